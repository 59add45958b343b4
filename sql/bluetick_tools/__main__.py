"""Writes the files for other tools: `make integrations`, or `python -m bluetick_tools --out DIRECTORY --timezone
Asia/Kolkata` for a deployment.

Superset and Metabase have no settings of their own for the database, the time zone and the attribution window, so
their files are written for one deployment. The others take these as variables or parameters.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bluetick_sql.errors import StatementError
from bluetick_sql.statements import Settings

from . import dbt, grafana, metabase, quicksight, superset

ROOT = Path(__file__).resolve().parent.parent.parent


def files(settings: Settings) -> dict[str, str]:
    """Every generated file: its path under the root of the repository, and its text."""
    found = {
        f"integrations/{path}": text
        for tool in (dbt, grafana, metabase, superset)
        for path, text in tool.files(settings).items()
    }
    return found | quicksight.files(settings)


def main() -> int:
    """Prints the number of files. Exit status 2 for a setting that no engine could use."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--out", type=Path, default=ROOT, help="directory that gets integrations/ and infra/quicksight.yaml"
    )
    parser.add_argument("--database", default="bluetick", help="Glue database of the deployment")
    parser.add_argument("--timezone", default="UTC", help="time zone of local days, such as Asia/Kolkata")
    parser.add_argument("--attribution-hours", type=int, default=72)
    parser.add_argument("--first-day", default="2024-01-01", help="the stack's parameter FirstDay")
    given = parser.parse_args()
    try:
        settings = Settings(given.database, "", given.timezone, given.attribution_hours, given.first_day)
        found = files(settings)
    except StatementError as error:
        print(f"bluetick_tools: {error}", file=sys.stderr)
        return 2
    for path, text in found.items():
        (given.out / path).parent.mkdir(parents=True, exist_ok=True)
        (given.out / path).write_text(text, encoding="utf-8")
    print(f"wrote {len(found)} files under {given.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
