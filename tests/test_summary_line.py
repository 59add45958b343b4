"""The last line of `make test`: how many tests passed and failed in all suites together."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import same_features
import test_summary
from binaries import ROOT

CARGO = """
     Running unittests src/lib.rs (target/debug/deps/one)
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s
     Running tests/two.rs (target/debug/deps/two)
a test prints: 7 passed; 9 failed
test result: FAILED. 4 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.02s
"""
PYTEST = "webhooks 24, lost 0: 5 failed in 3 tries\n2 failed, 27 passed, 1 error in 432.67s (0:07:12)\n"


def test_cargo_and_pytest_are_counted_and_what_tests_print_is_not() -> None:
    assert test_summary.counts(CARGO) == (7, 1)
    assert test_summary.counts(PYTEST) == (27, 3)
    assert test_summary.counts("error: could not compile `bluetick-lake`") == (0, 0)


def test_a_suite_that_ran_no_test_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "sql.txt").write_text("88 passed in 80.77s (0:01:20)\n")
    (tmp_path / "rust.txt").write_text("error: could not compile\n")
    command = [sys.executable, str(ROOT / "scripts" / "test_summary.py"), str(tmp_path), "sql", "rust", "aws"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "88 passed, 2 failed\n")
    assert done.stderr == "rust ran no test\naws ran no test\n"


def test_different_features_of_one_dependency_are_reported() -> None:
    same = {"tokio v1": "rt,time", "only here v1": ""}
    assert same_features.differences({"make demo": same, "tests": {"tokio v1": "rt,time"}}) == []
    assert same_features.differences({"make demo": same, "tests": {"tokio v1": "rt,test-util,time"}}) == [
        "tokio v1: make demo: rt,time; tests: rt,test-util,time"
    ]
