#!/usr/bin/env python3
"""Writes the directory that becomes the Lambda function of the scheduled tasks.

It holds the project's Python and SQL, Jinja2 with MarkupSafe, the time zones of tzdata, and the JavaScript of the
charts. Jinja2, MarkupSafe and tzdata are copied from this environment (.venv), so nothing is downloaded. They work
without their compiled parts, so one package serves both architectures. boto3 is part of Lambda's runtime.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import sys
from pathlib import Path

SQL = Path(__file__).resolve().parent.parent / "sql"
sys.path.insert(0, str(SQL))

FOLDERS = ("bluetick_report", "bluetick_sql", "bluetick_tasks", "common", "queries", "views")
FILES = ("rate_card.csv", "schema.json")
LIBRARIES = ("jinja2", "markupsafe", "tzdata")
# Compiled for one system, or of no use without DuckDB.
NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.so", "*.pyc", "duck.py", "s3_lake.py", "shell.py", "cohort.py")


class PackageError(RuntimeError):
    """A library is missing in this environment."""


def write_package(target: Path) -> None:
    """Writes the package to `target`, in place of what is there. Raises PackageError if a library is not installed."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in FOLDERS:
        shutil.copytree(SQL / name, target / name, ignore=NOT_COPIED)
    for name in FILES:
        shutil.copy(SQL / name, target)
    for name in LIBRARIES:
        found = importlib.util.find_spec(name)
        if found is None or found.origin is None:
            raise PackageError(f"the package {name} is not installed in this Python: run make .venv/ready")
        shutil.copytree(Path(found.origin).parent, target / name, ignore=NOT_COPIED)
    from bluetick_report.page import CHART_LIBRARY, chart_library

    (target / "bluetick_report" / CHART_LIBRARY).write_text(chart_library(), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=Path)
    try:
        write_package(parser.parse_args().target)
    except PackageError as error:
        print(f"tasks_package: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
