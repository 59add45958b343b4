#!/usr/bin/env python3
"""Prints one line, `N passed, N failed`: the sums over the logs of the suites of `make test`.

    test_summary.py DIRECTORY SUITE…    reads DIRECTORY/SUITE.txt of each suite

A suite whose log reports no test counts as one failure: it did not run. Exit status 1 if anything failed.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

# cargo: "test result: ok. 38 passed; 0 failed; …"; pytest: "2 failed, 27 passed, 1 error in 4.20s".
RESULT = re.compile(r"^(?:test result: .*|(?:=+ )?\d+ \w+(?:, \d+ \w+)* in [\d.]+s.*)$", re.MULTILINE)
COUNT = re.compile(r"(\d+) (passed|failed|error)")


def counts(log: str) -> tuple[int, int]:
    """How many tests a log reports as passed, and how many as failed or broken."""
    found = [(int(number), kind) for line in RESULT.findall(log) for number, kind in COUNT.findall(line)]
    return sum(n for n, kind in found if kind == "passed"), sum(n for n, kind in found if kind != "passed")


def main() -> int:
    directory, *suites = sys.argv[1:]
    passed = failed = 0
    for suite in suites:
        log = Path(directory) / f"{suite}.txt"
        of_suite = counts(log.read_text(encoding="utf-8", errors="replace")) if log.is_file() else (0, 0)
        if of_suite == (0, 0):
            print(f"{suite} ran no test", file=sys.stderr)
            of_suite = (0, 1)
        passed, failed = passed + of_suite[0], failed + of_suite[1]
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
