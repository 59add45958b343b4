"""Large inputs within 512 MB of resident memory."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pipeline
import pyarrow.parquet
import pytest
import lake_reader
import raw_objects

LIMIT_KIB = 512 * 1024


def run_measured(raw: Path, lake: Path) -> tuple[dict, int]:
    """Moves raw objects; gives the report and the most resident memory in KiB."""
    command = [str(pipeline.BLUETICK), "run", "--raw", raw.as_uri(), "--lake", lake.as_uri(), "--json"]
    process = subprocess.Popen(command, env=pipeline.environment(), stdout=subprocess.PIPE)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return json.loads(output), usage.ru_maxrss


@pytest.mark.parametrize(("objects", "lines"), [(1, 1_500_000), (100, 15_000)], ids=["one object", "a hundred objects"])
def test_a_million_and_a_half_records(tmp_path: Path, objects: int, lines: int) -> None:
    raw, lake = tmp_path / "raw", tmp_path / "lake"
    raw_objects.write(raw, objects=objects, lines=lines, days=2, seed=3)
    report, resident = run_measured(raw, lake)
    print(f"{objects} objects of {lines} records: {resident / 1024:.0f} MiB resident, {report}")
    assert report["records_in"] == objects * lines == report["new"] + report["repeated"]
    assert report["repeated"] > 50_000 and report["rejected"] == 0
    assert resident < LIMIT_KIB, f"{resident} KiB"
    stored = sum(pyarrow.parquet.read_metadata(part).num_rows for table in ("clicks", "statuses", "messages", "sends") for part in lake_reader.parts(lake, table))
    assert stored == report["new"]
