#!/usr/bin/env python3
"""Checks that built functions can start on Lambda: the processor by the ELF header, glibc by the versions of its
symbols.

provided.al2023 has glibc 2.34. A function that needs a newer one deploys without an error and fails at each start.
Exit status 4 if a binary cannot start.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import struct
import sys
from pathlib import Path

MACHINES = {62: "x86_64", 183: "arm64"}
LAMBDA_GLIBC = (2, 34)


def machine(content: bytes) -> str:
    """The processor that an ELF file is for, by `e_machine` in its header."""
    if content[:4] != b"\x7fELF":
        return "no ELF file"
    (number,) = struct.unpack_from("<H", content, 18)
    return MACHINES.get(number, f"processor {number}")


def newest_glibc(content: bytes) -> tuple[int, int]:
    """The newest glibc whose symbols the binary asks for; (0, 0) for a static binary."""
    versions = re.findall(rb"GLIBC_(\d+)\.(\d+)", content)
    return max(((int(major), int(minor)) for major, minor in versions), default=(0, 0))


def glibc_name(version: tuple[int, int]) -> str:
    return f"GLIBC_{version[0]}.{version[1]}"


def problem(content: bytes, architecture: str) -> str | None:
    """What keeps the binary from starting on Lambda with this architecture."""
    if machine(content) != architecture:
        return f"is for {machine(content)}, and the stack is deployed for {architecture}"
    glibc = newest_glibc(content)
    if glibc > LAMBDA_GLIBC:
        return (
            f"needs {glibc_name(glibc)}, and Lambda's provided.al2023 has {glibc_name(LAMBDA_GLIBC)}: "
            "build on an older distribution"
        )
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architecture", choices=sorted(MACHINES.values()), required=True)
    parser.add_argument("binaries", nargs="+", type=Path)
    arguments = parser.parse_args()
    problems = []
    print(f"{'function':18} {'arch':7} {'bytes':>10}  {'needs':11} sha256")
    for path in arguments.binaries:
        content = path.read_bytes()
        needs, checksum = glibc_name(newest_glibc(content)), hashlib.sha256(content).hexdigest()
        print(f"{path.parent.name:18} {machine(content):7} {len(content):10}  {needs:11} {checksum}")
        found = problem(content, arguments.architecture)
        if found:
            problems.append(f"{path} {found}")
    for line in problems:
        print(line, file=sys.stderr)
    return 4 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
