#!/usr/bin/env python3
"""Measures how long a webhook waits for its answer while Firehose hangs, and while nothing answers.

A measurement, not a test: it depends on the machine. Exit status 1 above the limits that Interakt's 3 seconds set:
2.5 s with Firehose hanging (the data is spilled, the answer is 200), 2.9 s with both hanging (503). The time includes
that of the emulator.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import endpoint as faults
from deployed_pipeline import Pipeline
from deployment import deployed
from webhooks import webhooks

CASES = {
    # name: Firehose, the spill, status, seconds at most.
    "all well": (faults.accept, "works", 200, 2.5),
    "Firehose hangs": (faults.hang, "works", 200, 2.5),
    "Firehose hangs, S3 denies": (faults.hang, "denied", 503, 2.9),
    "Firehose hangs, S3 hangs": (faults.hang, "hangs", 503, 2.9),
}
WEBHOOKS = 10


def measure(pipeline: Pipeline) -> bool:
    """Prints a line for each case; whether all are within their limits."""
    # The first call of all starts the function; a second environment starts when the first is busy.
    pipeline.endpoint.behave(faults.accept)
    pipeline.send_all(webhooks("warm", 6), at_once=1)
    good = True
    print(f"{'case':28} {'status':>6} {'median s':>9} {'longest s':>9} {'limit s':>8} {'spilled':>8}")
    for name, (firehose, spill, status, limit) in CASES.items():
        pipeline.endpoint.behave(firehose, spill)
        answers = pipeline.send_all(webhooks(name, WEBHOOKS), at_once=1)
        seconds = sorted(answer.seconds for answer in answers)
        statuses = {answer.status for answer in answers}
        expected_spills = WEBHOOKS if firehose is faults.hang and spill == "works" else 0
        good &= statuses == {status} and seconds[-1] <= limit and pipeline.endpoint.spilled == expected_spills
        print(
            f"{name:28} {'/'.join(map(str, sorted(statuses))):>6} {seconds[len(seconds) // 2]:9.3f} {seconds[-1]:9.3f} "
            f"{limit:8.1f} {pipeline.endpoint.spilled:8}"
        )
    return good


def main() -> int:
    with tempfile.TemporaryDirectory() as directory, deployed(Path(directory)) as pipeline:
        return 0 if measure(pipeline) else 1


if __name__ == "__main__":
    sys.exit(main())
