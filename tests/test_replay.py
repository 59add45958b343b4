"""`bluetick replay`: resumable by its checkpoint, which belongs to one replay alone."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

import lake_reader
import local_pipeline
import raw_objects


def replay(raw: Path, lake: Path, checkpoint: Path) -> tuple[int, dict, str]:
    """Exit status, report and what it said beside."""
    command = [
        str(local_pipeline.BLUETICK),
        "replay",
        raw.as_uri(),
        "--lake",
        lake.as_uri(),
        "--checkpoint",
        str(checkpoint),
        "--json",
    ]
    done = subprocess.run(command, env=local_pipeline.environment(), capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


def test_a_replay_goes_on_where_it_was(tmp_path: Path) -> None:
    raw, lake, checkpoint = tmp_path / "raw", tmp_path / "lake", tmp_path / "checkpoint"
    raw_objects.write(raw, objects=5, lines=200, days=2, seed=7)
    objects = sorted(path for path in raw.rglob("*") if path.is_file())
    whole = objects[2].read_bytes()
    objects[2].write_bytes(whole[:-9])
    status, report, _ = replay(raw, lake, checkpoint)
    assert (status, report["objects"], len(report["failed"])) == (1, 4, 1), (
        "a broken object fails alone, and is said to"
    )

    # What is done is not touched again: it could be gone by now.
    objects[2].write_bytes(whole)
    objects[0].write_bytes(b"broken since")
    status, report, _ = replay(raw, lake, checkpoint)
    assert (status, report["objects"], report["objects_skipped"]) == (0, 1, 4)
    # A replay that was stopped while it wrote a line does that object again.
    text = checkpoint.read_text()
    checkpoint.write_text(text[:-3])
    status, report, _ = replay(raw, lake, checkpoint)
    assert (status, report["objects"], report["new"]) == (0, 1, 0)

    undisturbed = tmp_path / "undisturbed"
    raw_objects.write(tmp_path / "again", objects=5, lines=200, days=2, seed=7)
    local_pipeline.run(tmp_path / "again", undisturbed)
    assert lake_reader.rows(lake) == lake_reader.rows(undisturbed)


def test_the_checkpoint_of_another_replay_is_refused(tmp_path: Path) -> None:
    raw, lake, checkpoint = tmp_path / "raw", tmp_path / "lake", tmp_path / "checkpoint"
    raw_objects.write(raw, objects=2, lines=50, days=2, seed=7)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert replay(raw, lake, checkpoint)[0] == 0
    for other_raw, other_lake in [(raw, tmp_path / "emptied"), (elsewhere, lake)]:
        status, report, said = replay(other_raw, other_lake, checkpoint)
        assert (status, report) == (1, {}) and "belongs to another replay" in said
    status, report, _ = replay(raw, lake, checkpoint)
    assert (status, report["objects_skipped"]) == (0, 2)


def test_a_mistyped_directory_is_no_empty_one(tmp_path: Path) -> None:
    status, report, said = replay(tmp_path / "rwa", tmp_path / "lake", tmp_path / "checkpoint")
    assert (status, report) == (1, {}) and "does not exist" in said
    assert not (tmp_path / "rwa").exists() and not (tmp_path / "checkpoint").exists()


@pytest.mark.parametrize("command", [["verify"], ["sweep"], ["erase", "--wa-id", "491701234567"], ["erase", "--again"]])
def test_a_mistyped_lake_is_not_in_order(tmp_path: Path, command: list[str]) -> None:
    lake = tmp_path / "laek"
    done = subprocess.run(
        [str(local_pipeline.BLUETICK), *command, "--lake", lake.as_uri()],
        env=local_pipeline.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "does not exist" in done.stderr
    assert not lake.exists()
