"""rejected_lines: what the lake refuses is counted once, however often the raw object is moved."""

from __future__ import annotations

import gzip
import subprocess
from pathlib import Path

from bluetick_sql.duck import DuckEngine
from bluetick_sql.lake import LocalLake
from bluetick_sql.rows import plain_rows
from bluetick_sql.statements import Settings, bind, find_query
from local_pipeline import BLUETICK

SEND = '{"table":"sends","event_ts":1795132800000,"provider":"tracker","received_at":1795132800000,"message_id":"m1"}'
OLD = SEND.replace('"event_ts":1795132800000', '"event_ts":1795132800')


def test_lines_of_raw_objects_are_counted_once(tmp_path: Path) -> None:
    folder = tmp_path / "raw" / "2026" / "11" / "20" / "09"
    folder.mkdir(parents=True)
    for name, lines in {"a": [SEND, "no json", OLD, OLD], "b": [SEND, OLD]}.items():
        (folder / name).write_bytes(gzip.compress("".join(line + "\n" for line in lines).encode()))
    lake = tmp_path / "lake"
    lake.mkdir()
    for _ in range(2):
        subprocess.run(
            [BLUETICK, "run", "--raw", (tmp_path / "raw").as_uri(), "--lake", lake.as_uri()],
            check=True,
            capture_output=True,
        )
    statement = find_query("rejected_lines")
    with DuckEngine(LocalLake(lake), Settings()) as engine:
        days = [
            plain_rows(engine.run(statement, bind(statement, {"from": day, "to": day})).rows)
            for day in ("2026-11-20", "2026-11-21")
        ]
    assert days == [[["2026-11-20", "event_time_too_early", 3, 2], ["2026-11-20", "not_json", 1, 1]], []]
