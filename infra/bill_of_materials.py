#!/usr/bin/env python3
"""Writes the software bill of materials of the functions: CycloneDX 1.6 JSON (cyclonedx.org/specification/overview).

The components are the crates that `cargo metadata --locked` resolves for the function's crates, without development
dependencies, with the
checksums of Cargo.lock. The file contains no time and no random identifier, so that the same commit gives the same
bytes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def metadata(target: str) -> dict:
    """What Cargo resolves for `target`, a triple such as aarch64-unknown-linux-gnu."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


def checksums() -> dict[tuple[str, str], str]:
    """SHA-256 of each crate's archive by (name, version), from Cargo.lock."""
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text(encoding="utf-8"))
    return {(item["name"], item["version"]): item["checksum"] for item in lock["package"] if "checksum" in item}


def reachable(resolved: dict, roots: list[str]) -> set[str]:
    """Package ids that `roots` depend on, themselves included, without development dependencies."""
    nodes = {node["id"]: node for node in resolved["resolve"]["nodes"]}
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        package = waiting.pop()
        if package in found:
            continue
        found.add(package)
        for dependency in nodes[package]["deps"]:
            if any(kind["kind"] != "dev" for kind in dependency["dep_kinds"]):
                waiting.append(dependency["pkg"])
    return found


def document(resolved: dict, functions: list[str], hashes: dict[tuple[str, str], str]) -> dict:
    """The bill of materials as a dictionary. Raises ValueError if a function is not a binary of the workspace."""
    packages = {package["id"]: package for package in resolved["packages"]}
    owners = {
        target["name"]: package["id"]
        for package in packages.values()
        if package["id"] in resolved["workspace_members"]
        for target in package["targets"]
        if "bin" in target["kind"]
    }
    missing = [name for name in functions if name not in owners]
    if missing:
        raise ValueError(f"no binary of the workspace is named {', '.join(missing)}")
    used = [packages[package] for package in reachable(resolved, [owners[name] for name in functions])]
    components = []
    for package in sorted(used, key=lambda item: (item["name"], item["version"])):
        component = {
            "type": "library",
            "name": package["name"],
            "version": package["version"],
            "purl": f"pkg:cargo/{package['name']}@{package['version']}",
        }
        if package.get("license"):
            component["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
        checksum = hashes.get((package["name"], package["version"]))
        if checksum:
            component["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        components.append(component)
    version = packages[owners[functions[0]]]["version"]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "bluetick", "version": version}},
        "components": components,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("functions", nargs="+", help="names of the binaries")
    parser.add_argument("--target", required=True, help="triple that the functions are built for")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    text = json.dumps(document(metadata(arguments.target), arguments.functions, checksums()), indent=1)
    arguments.output.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
