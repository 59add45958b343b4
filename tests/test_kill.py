"""`bluetick run` is killed again and again; what it leaves is whole, and in the end nothing is lost or doubled."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

import lake_reader
import local_pipeline
import raw_objects

KILLS = 50
SEED = int(os.environ.get("BLUETICK_SEED", "11"))


def test_kill_minus_nine_at_random_moments_changes_nothing(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw_objects.write(raw, objects=40, lines=400, days=5, seed=7)
    undisturbed, lake = tmp_path / "undisturbed", tmp_path / "lake"
    local_pipeline.run(raw, undisturbed)
    expected = lake_reader.rows(undisturbed)
    assert sum(map(len, expected.values())) > 10_000

    chance = random.Random(SEED)
    command = [str(local_pipeline.BLUETICK), "run", "--raw", raw.as_uri(), "--lake", lake.as_uri(), "--json"]
    killed = 0
    longest = 0.2
    for _ in range(20 * KILLS):
        process = subprocess.Popen(
            command, env=local_pipeline.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(timeout=chance.uniform(0.0, longest))
            # It ended first: begin anew, with a lake that has everything already, and strike earlier.
            longest *= 0.9
            continue
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            killed += 1
        seen = lake_reader.rows(lake)
        for table, rows in seen.items():
            assert len(rows) == len(set(rows)), f"{table} holds a row twice after kill {killed}"
            assert set(rows) <= set(expected[table]), f"{table} holds a row of no input after kill {killed}"
        if killed == KILLS:
            break
    assert killed == KILLS
    local_pipeline.run(raw, lake)
    report = local_pipeline.bluetick("verify", "--lake", lake.as_uri())
    assert report["problems"] == []
    assert lake_reader.rows(lake) == expected
