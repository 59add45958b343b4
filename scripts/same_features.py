#!/usr/bin/env python3
"""Checks that dependencies are compiled once: with the same features for `make demo`, all binaries, and the tests.

Cargo compiles a dependency again for each set of features, and with it every crate that depends on it. Exit status 1
if a set differs between the three builds; the crates are printed.
"""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict

from binaries import ROOT

BUILDS = {
    "make demo": ["--package", "bluetick-cli", "--edges", "normal,build"],
    "all binaries": ["--workspace", "--edges", "normal,build"],
    "tests": ["--workspace", "--edges", "normal,build,dev"],
}


def features(arguments: list[str]) -> dict[str, str]:
    """The features of each dependency, by its name and version."""
    command = ["cargo", "tree", "--locked", "--prefix", "none", "--format", "{p}|{f}", *arguments]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    lines = {line.removesuffix(" (*)") for line in printed.splitlines() if line and "(/" not in line}
    found: dict[str, list[str]] = defaultdict(list)
    for line in sorted(lines):
        package, _, enabled = line.partition("|")
        found[package].append(enabled)
    # A crate that build scripts use, too, may stand there with two sets.
    return {package: " and ".join(sets) for package, sets in found.items()}


def differences(builds: dict[str, dict[str, str]]) -> list[str]:
    """A line for each dependency whose features differ between two builds that have it."""
    lines = []
    for package in sorted(set().union(*builds.values())):
        sets = {name: build[package] for name, build in builds.items() if package in build}
        if len(set(sets.values())) > 1:
            lines.append(f"{package}: " + "; ".join(f"{name}: {enabled or 'none'}" for name, enabled in sets.items()))
    return lines


def main() -> int:
    found = differences({name: features(arguments) for name, arguments in BUILDS.items()})
    for line in found:
        print(line, file=sys.stderr)
    if found:
        print("name these features in Cargo.toml, where crates/lake names others for the same reason", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
