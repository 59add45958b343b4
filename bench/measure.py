"""Runs programs and measures their CPU time and peak memory."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LAUNCH = Path(__file__).with_name("launch.py")


@dataclass
class Usage:
    """Of a finished process: user CPU seconds, user and system CPU seconds, peak resident bytes, standard output."""

    user: float
    cpu: float
    peak: int
    output: str


def run(command: list[str]) -> Usage:
    """Runs a program to its end. Raises if it fails."""
    launched = subprocess.run(
        [sys.executable, "-S", "-E", str(LAUNCH), *command], capture_output=True, text=True, check=False
    )
    if launched.returncode != 0:
        sys.exit(f"bench: {' '.join(command[:6])} failed with status {launched.returncode}: {launched.stderr[-2000:]}")
    user, system, peak = launched.stderr.strip().rsplit("\n", 1)[-1].split()
    return Usage(float(user), float(user) + float(system), int(peak) * 1024, launched.stdout)


def interleaved(runs: dict[str, Callable[[], Usage]], rounds: int) -> dict[str, Usage]:
    """Medians over several rounds. The programs take turns, so that a busy machine slows all of them."""
    usages: dict[str, list[Usage]] = {name: [] for name in runs}
    for number in range(rounds):
        for name, once in runs.items():
            usages[name].append(once())
            print(f"  round {number + 1}: {name} {usages[name][-1].user:.3f} s", file=sys.stderr, flush=True)
    return {
        name: Usage(
            statistics.median(usage.user for usage in all_rounds),
            statistics.median(usage.cpu for usage in all_rounds),
            int(statistics.median(usage.peak for usage in all_rounds)),
            all_rounds[-1].output,
        )
        for name, all_rounds in usages.items()
    }


def bytes_of(folder: Path, pattern: str) -> int:
    """Bytes of all files that match."""
    return sum(path.stat().st_size for path in folder.rglob(pattern))
