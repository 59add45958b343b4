#!/usr/bin/env python3
"""Measures what it costs the lake if the application forwards the statuses that Meta reports as well.

usage: measure_forwarding.py [messages] [commits]

A day of messages, each reported by Meta as sent, delivered and read, goes into a lake in `commits` runs of
`bluetick run`. Beside them 0 %, 30 % or 100 % of the statuses arrive once more, forwarded by the application to
`message-status`. Prints for each share the rows and bytes of the table `statuses`, and the ratio to the lake without
forwards. The figures do not depend on the machine, but for the random names of the files.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb

import local_pipeline

DAY = 1_790_985_600
STEPS = (("sent", 0, 1), ("delivered", 1, 30), ("read", 10, 7_200))
PRICING = {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "marketing"}
METADATA = {"display_phone_number": "4930111222", "phone_number_id": "106540352242922"}
STATUSES_A_BODY = 1000
SHARES = (0, 30, 100)

Record = dict[str, Any]


def statuses(messages: int) -> list[dict[str, Any]]:
    """The statuses of a day's messages as Meta reports them, in the order of their time."""
    rng = random.Random(1)
    found = []
    for number in range(messages):
        time = DAY + number * 72_000 // messages
        message = "wamid.HBgM" + rng.randbytes(36).hex().upper()
        recipient = f"4917{rng.randrange(10**8):08}"
        for state, least, most in STEPS:
            time += rng.randint(least, most)
            status = {"id": message, "status": state, "timestamp": str(time), "recipient_id": recipient}
            found.append(status | ({"pricing": PRICING} if state == "sent" else {}))
    return sorted(found, key=lambda status: int(status["timestamp"]))


def flatten(provider: str, bodies: list[Any], work: Path) -> list[Record]:
    """The records of bodies, as ingest writes them."""
    files = []
    for number, body in enumerate(bodies):
        path = work / f"{number}.json"
        path.write_text(json.dumps(body), encoding="utf-8")
        files.append(path)
    command = [local_pipeline.BLUETICK, "flatten", "--provider", provider, *files]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8").stdout
    return [json.loads(line) for line in printed.splitlines()]


def as_meta_reports(found: list[dict[str, Any]], work: Path) -> list[Record]:
    batches = [found[start : start + STATUSES_A_BODY] for start in range(0, len(found), STATUSES_A_BODY)]
    value = {"messaging_product": "whatsapp", "metadata": METADATA}
    changes = [[{"field": "messages", "value": {**value, "statuses": batch}}] for batch in batches]
    bodies = [
        {"object": "whatsapp_business_account", "entry": [{"id": "102290129340398", "changes": change}]}
        for change in changes
    ]
    return flatten("meta", bodies, work)


def as_application_forwards(found: list[dict[str, Any]], work: Path) -> list[Record]:
    bodies = [
        {
            "wamid": status["id"],
            "recipient_id": status["recipient_id"],
            "status": status["status"],
            "timestamp": int(status["timestamp"]),
        }
        for status in found
    ]
    records: list[Record] = []
    for start in range(0, len(bodies), STATUSES_A_BODY):
        records += flatten("tracker", bodies[start : start + STATUSES_A_BODY], work)
    return records


def fill(lake: Path, work: Path, records: list[Record], commits: int) -> None:
    """Moves the records of each stretch of the day to the lake in a run of its own."""
    raw = work / "raw"
    raw.mkdir()
    each = 86_400_000 // commits
    stretches: list[list[str]] = [[] for _ in range(commits)]
    for record in records:
        place = min((record["event_ts"] - DAY * 1000) // each, commits - 1)
        stretches[place].append(json.dumps(record))
    for lines in stretches:
        if lines:
            (raw / "records.ndjson").unlink(missing_ok=True)
            (raw / "records.ndjson").write_text("\n".join(lines) + "\n", encoding="utf-8")
            local_pipeline.run(raw, lake)
    (raw / "records.ndjson").unlink()
    raw.rmdir()


def measure(lake: Path) -> tuple[int, int, int]:
    """Rows of the table, bytes of its parts, and bytes of all parts that were ever written."""
    manifests = (lake / "manifest" / "statuses").rglob("symlink.txt")
    parts = [line.removeprefix("file://") for manifest in manifests for line in manifest.read_text().splitlines()]
    [(rows,)] = duckdb.execute("SELECT count(*) FROM read_parquet(?)", [parts]).fetchall()
    stored = sum(Path(part).stat().st_size for part in parts)
    # Superseded parts stay until a sweep a day later, so all are still there.
    written = sum(path.stat().st_size for path in (lake / "data" / "statuses").rglob("*.parquet"))
    return rows, stored, written


def main() -> int:
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 4_000
    commits = int(sys.argv[2]) if len(sys.argv) > 2 else 96
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        found = statuses(messages)
        meta = as_meta_reports(found, work)
        forwards = as_application_forwards(found, work)
        print(f"{messages} messages, {commits} runs; bytes and rows of the table statuses, and ratios to 0 %")
        names = ("forwarded", "rows", "stored", "written", "rows x", "stored x", "written x")
        print("{:>9} {:>9} {:>12} {:>12} {:>7} {:>9} {:>10}".format(*names))
        base: tuple[int, int, int] | None = None
        for share in SHARES:
            rng = random.Random(2)
            chosen = [forward for forward in forwards if rng.randrange(100) < share]
            lake = work / f"lake{share}"
            fill(lake, work, meta + chosen, commits)
            figures = measure(lake)
            base = base or figures
            ratios = [figure / first for figure, first in zip(figures, base, strict=True)]
            print(
                f"{share:7} % {figures[0]:9} {figures[1]:12} {figures[2]:12} "
                f"{ratios[0]:7.2f} {ratios[1]:9.2f} {ratios[2]:10.2f}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
