#!/usr/bin/env python3
"""Writes a copy of the template whose functions are the binaries of a release, so that a deployment compiles nothing.

The directory holds `<function>/bootstrap` for ingest, transform and sweep, and SHA256SUMS as `make package` writes it.
Every file is compared
with its checksum first.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import sys
from pathlib import Path

INFRA = Path(__file__).resolve().parent


class ReleaseError(ValueError):
    """The directory is not a complete release."""


def check_release(release: Path) -> None:
    """Raises ReleaseError if a function is missing or differs from its checksum."""
    sums = release / "SHA256SUMS"
    if not sums.is_file():
        raise ReleaseError(f"{sums} is missing: FUNCTIONS must name the directory of an unpacked release")
    for line in sums.read_text().splitlines():
        checksum, name = line.split(maxsplit=1)
        path = release / name.lstrip("*")
        if not path.is_file():
            raise ReleaseError(f"{path} is missing")
        if hashlib.sha256(path.read_bytes()).hexdigest() != checksum:
            raise ReleaseError(f"{path} differs from its checksum in {sums}: download the release again")


def with_binaries(template: str, release: Path) -> str:
    """The template with `CodeUri` of each function set to its directory in the release."""

    def replace(match: re.Match[str]) -> str:
        directory = release / match["binary"]
        if not (directory / "bootstrap").is_file():
            raise ReleaseError(f"{directory / 'bootstrap'} is missing")
        return f"{match['before']}CodeUri: {directory.resolve()}\n"

    pattern = r"(?P<before>        Binary: (?P<binary>\w+)\n(?:(?!CodeUri).*\n)*? +)CodeUri: \.\.\n"
    text, count = re.subn(pattern, replace, template)
    if count != template.count("CodeUri: ..\n"):
        raise ReleaseError("a function of the template names no binary")
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("release", type=Path)
    parser.add_argument("--output", type=Path, required=True, help="directory for template.yaml and tables.yaml")
    arguments = parser.parse_args()
    try:
        check_release(arguments.release)
        text = with_binaries((INFRA / "template.yaml").read_text(encoding="utf-8"), arguments.release)
    except ReleaseError as error:
        print(f"prebuilt_template: {error}", file=sys.stderr)
        return 1
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "template.yaml").write_text(text, encoding="utf-8")
    shutil.copy(INFRA / "tables.yaml", arguments.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
