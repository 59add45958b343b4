"""What CONTRIBUTING.md and README.md name exists: files, make targets, cargo tests, dependencies of crates."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest

from binaries import ROOT

PAGES = ["CONTRIBUTING.md", "README.md"]
# Written by running a program, or by an operator: not in the repository.
NOT_STORED = re.compile(r"\.venv|NAME|\.records\.json|…|<|raw/|rejected/")


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def paths(text: str) -> set[str]:
    """The files and directories that a page names: in backquotes, in links, and as arguments of commands."""
    quoted = re.findall(r"`([\w./-]*[\w-]/[\w./-]*|[\w-]+\.(?:md|toml|rs|py))`", text)
    linked = re.findall(r"\]\(([^)#:]+)\)", text)
    arguments = re.findall(r"\b((?:events|tests|sql|infra|crates|scripts)/[\w./-]+\w)", text)
    return {path for path in [*quoted, *linked, *arguments] if not NOT_STORED.search(path) and not path.startswith("/")}


def make_targets() -> set[str]:
    listed = subprocess.run(["make", "-s", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return set(re.findall(r"^  make (\S+)", listed, re.M))


@pytest.mark.parametrize("name", PAGES)
def test_files_exist(name: str) -> None:
    named = paths(page(name))
    assert len(named) > 5
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", PAGES)
def test_make_targets_exist(name: str) -> None:
    named = set(re.findall(r"(?:`| {4})make ([a-z-]+)", page(name)))
    assert len(named) > 3
    assert named - make_targets() == set()


def test_cargo_packages_and_tests_exist() -> None:
    for package, test in re.findall(r"cargo test -p bluetick-(\w+)(?: --test (\w+))?", page("CONTRIBUTING.md")):
        crate = ROOT / "crates" / package
        assert (crate / "Cargo.toml").is_file(), package
        if test:
            assert (crate / "tests" / f"{test}.rs").is_file() or (crate / "tests" / test / "main.rs").is_file(), test


def test_the_table_of_crates_is_that_of_cargo() -> None:
    rows = re.findall(r"^\| `crates/(\w+)` \| ([^|]+) \|", page("CONTRIBUTING.md"), re.M)
    order = [crate for crate, _ in rows]
    assert set(order) == {path.parent.name for path in (ROOT / "crates").glob("*/Cargo.toml")}
    for crate, stated in rows:
        manifest = tomllib.loads((ROOT / "crates" / crate / "Cargo.toml").read_text(encoding="utf-8"))
        needed = {
            name.removeprefix("bluetick-") for name in manifest.get("dependencies", {}) if name.startswith("bluetick-")
        }
        assert needed <= set(order[: order.index(crate)]), f"{crate} depends on one that is listed after it"
        if stated != "all of them":
            assert (set() if stated == "nothing" else set(stated.split(", "))) == needed, crate


def test_the_readme_lists_every_environment_variable() -> None:
    read = re.compile(r'\b(?:variable|filled|flag|required|var)\((?:variable, )?&?"([A-Z_]+)"')
    sources = [
        path for crate in ("ingest", "transform", "telemetry") for path in (ROOT / "crates" / crate).glob("src/**/*.rs")
    ]
    variables = {name for path in sources for name in read.findall(path.read_text(encoding="utf-8"))}
    assert {"SINK_URL", "LAKE_URL"} <= variables
    assert [name for name in sorted(variables) if f"`{name}`" not in page("README.md")] == []


def test_the_checks_can_fail() -> None:
    assert "crates/no/such.rs" in paths("`crates/no/such.rs`") and not (ROOT / "crates/no/such.rs").exists()
    assert "docs/none.md" in paths("[none](docs/none.md)")
    assert "no-such-target" not in make_targets()
