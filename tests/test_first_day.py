"""`FIRST_DAY` bounds what the lake takes: an earlier event is rejected, and taken by a replay with an earlier day."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

import local_pipeline

# 2024-01-01 00:00:00 UTC.
MIDNIGHT = 1_704_067_200_000


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A click in the last millisecond of 2023 and one in the first of 2024."""
    raw = tmp_path / "raw"
    raw.mkdir()
    click = {"table": "clicks", "provider": "meta", "received_at": MIDNIGHT, "kind": "button_reply"}
    clicks = [{**click, "click_id": str(time), "event_ts": time} for time in (MIDNIGHT - 1, MIDNIGHT)]
    (raw / "clicks.ndjson").write_text("".join(json.dumps(click) + "\n" for click in clicks), encoding="utf-8")
    return raw


def test_events_before_the_first_day_are_rejected_and_can_be_replayed(tmp_path: Path, raw: Path) -> None:
    lake = tmp_path / "lake"
    command = ("run", "--raw", raw.as_uri(), "--lake", lake.as_uri())
    report = local_pipeline.bluetick(*command, FIRST_DAY="2024-01-01")
    assert (report["new"], report["rejected"]) == (1, 1)
    days = [path.name for path in (lake / "rejected" / "event_time_too_early").iterdir()]
    assert len(days) == 1
    report = local_pipeline.bluetick("replay", raw.as_uri(), "--lake", lake.as_uri(), "--first-day", "2023-12-31")
    assert (report["new"], report["duplicates"], report["rejected"]) == (1, 1, 0)


def test_without_a_first_day_both_are_taken(tmp_path: Path, raw: Path) -> None:
    assert local_pipeline.run(raw, tmp_path / "lake")["new"] == 2


@pytest.mark.parametrize("day", ["2024-02-30", "2008-12-31", "January"])
def test_a_day_that_cannot_be_is_refused(tmp_path: Path, raw: Path, day: str) -> None:
    command = [local_pipeline.BLUETICK, "run", "--raw", raw.as_uri(), "--lake", (tmp_path / "lake").as_uri()]
    done = subprocess.run([*command, "--first-day", day], capture_output=True, text=True)
    assert done.returncode == 2
    assert f'the first day is "{day}": give a date from 2009-01-01 on' in done.stderr
