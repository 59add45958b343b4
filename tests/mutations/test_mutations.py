"""Each mutation in a copy of the project: the test that is named for it must fail there, and pass without it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from binaries import ROOT, binary
from deployment_mutations import MUTATIONS, Mutation

COPIED = ("crates", "docs", "events", "infra", "scripts", "sql", "tests")
COPIED_FILES = ("Cargo.lock", "Cargo.toml", "Makefile", "README.md", "clippy.toml", "pyproject.toml")
BINARIES = ("bluetick", "ingest", "transform", "sweep")
# pytest's exit status if tests ran and some failed; 2 to 5 say that it could not run them.
SOME_FAILED = 1


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the project that shares the environments for Python."""
    project = tmp_path / "copy"
    for folder in COPIED:
        shutil.copytree(ROOT / folder, project / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in COPIED_FILES:
        shutil.copy2(ROOT / name, project)
    for tools in (".venv", ".venv-tools"):
        (project / tools).symlink_to((ROOT / tools).resolve())
    return project


def apply(mutation: Mutation, project: Path) -> None:
    """Makes the edits. Fails if a text is not there, because then the table is out of date."""
    for name, before, after in mutation.edits:
        path = project / name
        text = path.read_text(encoding="utf-8")
        assert before in text, f"{name} has no {before!r}: the mutation must follow the file"
        path.write_text(text.replace(before, after), encoding="utf-8")


def binaries(mutation: Mutation, project: Path) -> Path:
    """The directory of the binaries that the test runs: those of this build, or built from the copy."""
    if not mutation.build:
        return binary("bluetick").parent
    target = ROOT / "target" / "mutations"
    command = ["cargo", "build", "--locked", *(part for name in mutation.build for part in ("--bin", name))]
    subprocess.run(command, cwd=project, env={**os.environ, "CARGO_TARGET_DIR": str(target)}, check=True)
    directory = project / "binaries"
    directory.mkdir()
    for name in BINARIES:
        built = target / "debug" / name
        (directory / name).symlink_to(built if name in mutation.build else binary(name).resolve())
    return directory


def run_test(project: Path, test: str, directory: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "BLUETICK_BINARIES": str(directory)}
    paths = environment.get("PYTHONPATH", "").replace(str(ROOT), str(project))
    environment["PYTHONPATH"] = paths
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name.replace(" ", "-"))
def test_the_named_test_notices(mutation: Mutation, copy: Path) -> None:
    apply(mutation, copy)
    done = run_test(copy, mutation.test, binaries(mutation, copy))
    assert done.returncode == SOME_FAILED, f"{mutation.test} ended with {done.returncode}:\n{done.stdout[-3000:]}"


def named_tests() -> Iterator[str]:
    return iter(sorted({mutation.test for mutation in MUTATIONS}))


def test_without_mutations_the_named_tests_pass(copy: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *named_tests()]
    environment = {**os.environ, "BLUETICK_BINARIES": str(binary("bluetick").parent)}
    environment["PYTHONPATH"] = environment.get("PYTHONPATH", "").replace(str(ROOT), str(copy))
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
