"""Large inputs within 512 MB of resident memory."""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
from pathlib import Path

import pyarrow.parquet
import pytest

import lake_reader
import local_pipeline
import raw_objects

LIMIT_KIB = 512 * 1024


# Bytes of an account event's payload: large ones.
PAYLOAD = 30_000


def run_measured(raw: Path, lake: Path) -> tuple[dict, int]:
    """Moves raw objects; gives the report and the most resident memory in KiB."""
    command = [str(local_pipeline.BLUETICK), "run", "--raw", raw.as_uri(), "--lake", lake.as_uri(), "--json"]
    process = subprocess.Popen(command, env=local_pipeline.environment(), stdout=subprocess.PIPE)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return json.loads(output), usage.ru_maxrss


@pytest.fixture(scope="module")
def hundred_objects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Raw objects of 1.5 million records, made once."""
    raw = tmp_path_factory.mktemp("records") / "raw"
    raw_objects.write(raw, objects=100, lines=15_000, days=2, seed=3)
    return raw


def in_one_object(objects: Path, target: Path) -> Path:
    """The same records in a single object of one gzip member."""
    target.mkdir()
    with gzip.open(target / "all.gz", "wb", compresslevel=1) as out:
        for path in sorted(objects.iterdir()):
            out.write(gzip.decompress(path.read_bytes()))
    return target


@pytest.mark.parametrize(("objects", "lines"), [(1, 1_500_000), (100, 15_000)], ids=["one object", "a hundred objects"])
def test_a_million_and_a_half_records(tmp_path: Path, hundred_objects: Path, objects: int, lines: int) -> None:
    raw = in_one_object(hundred_objects, tmp_path / "raw") if objects == 1 else hundred_objects
    lake = tmp_path / "lake"
    report, resident = run_measured(raw, lake)
    print(f"{objects} objects of {lines} records: {resident / 1024:.0f} MiB resident, {report}")
    assert report["records_in"] == objects * lines == report["new"] + report["duplicates"]
    assert report["duplicates"] > 50_000 and report["rejected"] == 0
    assert resident < LIMIT_KIB, f"{resident} KiB"
    stored = sum(
        pyarrow.parquet.read_metadata(part).num_rows
        for table in ("clicks", "statuses", "messages", "sends")
        for part in lake_reader.parts(lake, table)
    )
    assert stored == report["new"]


def test_eight_million_broken_lines_in_sixteen_kilobytes(tmp_path: Path) -> None:
    """The worst that gzip can do: each byte of the object is five hundred lines that have no place."""
    raw, lake = tmp_path / "raw" / "2026" / "11" / "20", tmp_path / "lake"
    raw.mkdir(parents=True)
    (raw / "broken").write_bytes(gzip.compress(b"x\n" * (8 << 20)))
    report, resident = run_measured(tmp_path / "raw", lake)
    print(f"{(raw / 'broken').stat().st_size} bytes: {resident / 1024:.0f} MiB resident, {report}")
    assert report["rejected"] == report["records_in"] == 8 << 20
    assert resident < LIMIT_KIB, f"{resident} KiB"


def test_large_payloads(tmp_path: Path) -> None:
    """Row groups are bounded by bytes, too: by rows alone, each of these days would be one, and decoded as a whole. The
    days are compacted at the same time, and few large parts are read together."""
    raw, lake = tmp_path / "raw", tmp_path / "lake"
    raw.mkdir()
    rng = random.Random(5)
    words = [f"{rng.getrandbits(64):x}" for _ in range(200)]
    number = 0
    for name in range(6):
        with gzip.open(raw / f"{name}.gz", "wt", encoding="utf-8", compresslevel=1) as out:
            for _ in range(2000):
                number += 1
                payload = " ".join(rng.choices(words, k=PAYLOAD // 17))
                time = 1_795_132_800_000 - rng.randrange(4) * 86_400_000 + rng.randrange(86_000_000)
                out.write(
                    json.dumps(
                        {
                            "table": "account_events",
                            "event_ts": time,
                            "provider": "meta",
                            "received_at": time,
                            "event_id": f"e{number}",
                            "type": "t",
                            "payload": payload,
                        }
                    )
                    + "\n"
                )
    report, resident = run_measured(raw, lake)
    print(f"{number} records of {PAYLOAD} bytes: {resident / 1024:.0f} MiB resident, {report}")
    assert report["new"] == number
    assert resident < LIMIT_KIB, f"{resident} KiB"
