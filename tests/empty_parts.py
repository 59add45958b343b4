"""A lake with parts without rows, made by the commands that make them: the sweep's fence and an erasure."""

from __future__ import annotations

import gzip
import json
import shutil
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet

import lake_reader
from local_pipeline import bluetick, run

TABLE = "statuses"
# The sweep fences this partition: a part with rows and a part without rows.
FENCED_DAY = "2025-06-10"
# All rows of this partition are erased: a part without rows, alone.
ERASED_DAY = "2025-06-11"
MESSAGES = ["a", "b"]
_ERASED_NUMBER = "919800000000"
_HOUR_MS = 3_600_000
_DAY_START_MS = {FENCED_DAY: 1_749_513_600_000, ERASED_DAY: 1_749_600_000_000}


@dataclass(frozen=True)
class LakeWithEmptyParts:
    """The lake, and the parts of its two partitions that have no rows."""

    root: Path
    fence: Path
    erased: Path


def _line(message: str, day: str, number: str) -> str:
    moment = _DAY_START_MS[day]
    row = {"table": TABLE, "event_ts": moment, "received_at": moment, "provider": "meta", "status": "sent"}
    return json.dumps({**row, "message_id": message, "wa_id": number}) + "\n"


def _day_old_name() -> str:
    """A version 7 UUID of yesterday: the sweep does not yet record a part whose writer may still publish it."""
    made_ms = int(time.time() * 1000) - 24 * _HOUR_MS
    return str(uuid.UUID(int=made_ms << 80 | 7 << 76 | 2 << 62 | 1)) + ".parquet"


def _sweep(lake: Path) -> dict[str, Any]:
    return bluetick("sweep", "--lake", lake.as_uri())


def manifest(lake: Path, day: str) -> Path:
    """The manifest of a day."""
    return lake / "manifest" / TABLE / f"dt={day}" / "symlink.txt"


def parts_of(lake: Path, day: str) -> list[Path]:
    """The parts that the manifest of a day references."""
    return [part for part in lake_reader.parts(lake, TABLE) if f"dt={day}" in part.parts]


def _only_empty(lake: Path, day: str) -> Path:
    (empty,) = [part for part in parts_of(lake, day) if pyarrow.parquet.read_metadata(part).num_rows == 0]
    return empty


def write_lake_with_empty_parts(work: Path) -> LakeWithEmptyParts:
    """Makes it. A day passes between the two sweeps: the record of the first one is set back by 25 hours."""
    raw, lake = work / "raw", work / "lake"
    raw.mkdir(parents=True)
    with gzip.open(raw / "object.gz", "wt", encoding="utf-8") as out:
        out.writelines(_line(message, FENCED_DAY, "919811111111") for message in MESSAGES)
        out.write(_line("erased", ERASED_DAY, _ERASED_NUMBER))
    run(raw, lake)
    # What a writer leaves that dies before it publishes.
    (part,) = parts_of(lake, FENCED_DAY)
    abandoned = part.with_name(_day_old_name())
    shutil.copy(part, abandoned)

    first = _sweep(lake)
    assert first["files_unreferenced"] == 1, first
    assert first["fenced_manifests"] == 0, first
    record = lake / "sweep" / "unreferenced.json"
    found = json.loads(record.read_text(encoding="utf-8"))
    for sighting in found["parts"].values():
        sighting["first_seen_ms"] -= 25 * _HOUR_MS
    record.write_text(json.dumps(found), encoding="utf-8")
    second = _sweep(lake)
    assert second["fenced_manifests"] == 1, second
    assert not abandoned.exists()

    bluetick("erase", "--lake", lake.as_uri(), "--wa-id", _ERASED_NUMBER)
    assert len(parts_of(lake, FENCED_DAY)) == 2
    assert len(parts_of(lake, ERASED_DAY)) == 1
    return LakeWithEmptyParts(lake, _only_empty(lake, FENCED_DAY), _only_empty(lake, ERASED_DAY))
