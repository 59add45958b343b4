#!/usr/bin/env python3
"""Measures the report of a simulated month: seconds and bytes, beside the limits of a month of a million messages.

Simulates MESSAGES messages through the real pipeline, multiplies the lake by COPIES (each copy with messages, persons
and tickets of its own, in the same templates and campaigns), writes the report, and compares its total with the truth.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from binaries import ROOT
from lake_writer import write_manifest
from simulation import simulate

ZONE = "Asia/Kolkata"
SECONDS, MEGABYTES = 20, 3
# The columns that make a copy's rows rows of their own: other messages, clicks, persons and tickets.
_OWN = {
    *("message_id", "click_id", "context_message_id", "wa_id", "user_id", "tracking_token", "link_click_id"),
    *("ticket_id", "event_registration_id", "guest_id", "event_id"),
}


def multiply(lake: Path, copies: int, out: Path) -> None:
    """Writes `copies` times the rows of `lake` into `out`, one part a partition."""
    connection = duckdb.connect()
    for manifest in sorted((lake / "manifest").glob("*/dt=*/symlink.txt")):
        table, dt = manifest.parent.parent.name, manifest.parent.name.removeprefix("dt=")
        names = [line.removeprefix("file://") for line in manifest.read_text(encoding="utf-8").split()]
        if not names:
            continue
        source = f"read_parquet({names}, union_by_name = true, hive_partitioning = false)"
        columns = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
        # Copy 0 keeps the ids.
        cells = [
            f"CASE WHEN copy = 0 THEN {name} ELSE {name} || '.' || copy END AS {name}" if name in _OWN else name
            for name in columns
        ]
        part = out / "data" / table / f"dt={dt}" / "part.parquet"
        part.parent.mkdir(parents=True)
        connection.execute(
            f"COPY (SELECT {', '.join(cells)} FROM {source}, range({copies}) AS copies (copy)) TO '{part}' "
            "(FORMAT parquet, COMPRESSION zstd)"
        )
        write_manifest(out, table, dt, [part])


def total_sent(page: str) -> int:
    """What the card Sent of the page shows."""
    found = re.search(r'id="card-sent">.*?class="value">([\d,]+)<', page, re.DOTALL)
    if found is None:
        raise SystemExit("the page has no card Sent")
    return int(found.group(1).replace(",", ""))


def main() -> int:
    """Exit status 1 if a limit is passed, or the total of the page is not that of the truth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=200_000, help="messages to simulate")
    parser.add_argument("--copies", type=int, default=5, help="how often their lake is repeated")
    parser.add_argument("--out", type=Path, help="keep the page here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bluetick-report-") as folder:
        work = Path(folder)
        made = simulate(work, seed=9, messages=arguments.messages, days=30, timezone=ZONE, hours=72)
        lake = made.lake
        if arguments.copies > 1:
            lake = work / "copies"
            multiply(made.lake, arguments.copies, lake)
        window = made.truth["parameters"]
        page = arguments.out or work / "report.html"
        command = [sys.executable, "-m", "bluetick_report", "--lake", lake, "--timezone", ZONE, "--out", page]
        command += ["--from", window["from"], "--to", window["to"]]
        start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(ROOT / "sql")})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        seconds, text = time.monotonic() - start, page.read_text(encoding="utf-8")
    daily = made.truth["queries"]["funnel_daily"]
    sent = sum(row[daily["columns"].index("sent")] for row in daily["rows"]) * arguments.copies
    megabytes = len(text.encode()) / 1e6
    print(f"{total_sent(text):,} messages in the window, {sent:,} by the truth")
    print(f"{seconds:.1f} s (limit {SECONDS}), of the processors {processor:.1f} s")
    print(f"{megabytes:.2f} MB (limit {MEGABYTES})")
    return int(seconds > SECONDS or megabytes > MEGABYTES or total_sent(text) != sent)


if __name__ == "__main__":
    sys.exit(main())
