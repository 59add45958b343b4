#!/usr/bin/env python3
"""Runs the tests that draw random cases, again and again with other seeds, for a given time.

    soak.py MINUTES [SEED]    0 minutes: print the commands and run none. SEED: the first seed; random without it

Each line before a run is the command with its seed: typed again, it repeats the run. A failure does not end the soak.
The last lines say how often each stage ran and what failed. Exit status 1 if a stage failed or never ran.
"""

from __future__ import annotations

import os
import random
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTEST = ".venv/bin/python -m pytest -q -x"


@dataclass(frozen=True)
class Stage:
    """What one stage runs. `{seed}` in the command is replaced by the seed of the run."""

    name: str
    command: str


STAGES = [
    Stage(
        "model",
        "MODEL_SEED={seed} MODEL_SCHEDULES=10000 cargo test --locked -p bluetick-lake --test lake "
        "model::no_schedule -- --nocapture",
    ),
    Stage(
        "fuzz",
        "FUZZ_SEED={seed} FUZZ_EXECUTIONS=200000 cargo test --release --locked -p bluetick-events --test fuzz "
        "-- --nocapture",
    ),
    Stage("truth", f"BLUETICK_SEED={{seed}} BLUETICK_SEEDS=2 BLUETICK_MESSAGES=3000 {PYTEST} tests/sql/test_truth.py"),
    Stage("trino", f"BLUETICK_SEED={{seed}} BLUETICK_TRINO_SEEDS=1 {PYTEST} tests/athena/test_truth_on_trino.py"),
    Stage("kill", f"BLUETICK_SEED={{seed}} {PYTEST} tests/test_kill.py"),
    # Here the machine's timing decides which calls meet; there is no seed.
    Stage("chaos", f"{PYTEST} tests/test_s3_concurrent.py tests/aws/test_end_to_end.py"),
]


def runs(first_seed: int) -> Iterator[tuple[Stage, str]]:
    """The runs in their order, without end: every stage in turn, each round with another seed."""
    seed = first_seed
    while True:
        for stage in STAGES:
            yield stage, stage.command.format(seed=seed)
        # Schedules and bodies of one round have the seeds that follow its own.
        seed += 1_000_000


def execute(command: str) -> bool:
    """Runs a command in the repository; whether it ended well."""
    return subprocess.run(["bash", "-c", command], cwd=ROOT, check=False).returncode == 0


def soak(
    minutes: float, seed: int, run: Callable[[str], bool] = execute, clock: Callable[[], float] = time.monotonic
) -> int:
    """Runs until the time is up; a run that has begun is ended. Returns the exit status."""
    print(f"soak of {minutes:g} minutes from seed {seed}", flush=True)
    if minutes <= 0:
        for (stage, command), _ in zip(runs(seed), STAGES, strict=False):
            print(f"{stage.name}: {command}")
        return 0
    end, done, failed = clock() + 60 * minutes, dict.fromkeys((stage.name for stage in STAGES), 0), []
    for stage, command in runs(seed):
        if clock() >= end:
            break
        print(f"{stage.name}: {command}", flush=True)
        done[stage.name] += 1
        if not run(command):
            print(f"{stage.name} FAILED", flush=True)
            failed.append(command)
    print("runs: " + ", ".join(f"{name} {count}" for name, count in done.items()))
    for command in failed:
        print(f"failed: {shlex.join(['bash', '-c', command])}")
    never = [name for name, count in done.items() if count == 0]
    if never:
        print(f"never ran, the time was too short: {', '.join(never)}")
    return 1 if failed or never else 0


def main() -> int:
    minutes = float(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(1, 10**9)
    os.chdir(ROOT)
    return soak(minutes, seed)


if __name__ == "__main__":
    sys.exit(main())
