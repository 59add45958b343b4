"""freshness: what came late, and how long rows were under way."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bluetick_sql.duck import DuckEngine
from bluetick_sql.lake import LocalLake
from bluetick_sql.rows import plain_rows
from bluetick_sql.statements import Settings, bind, find_query
from lake_writer import at, write_lake


def test_late_means_more_than_a_day(tmp_path: Path) -> None:
    happened = at("2026-11-10 10:00:00")
    lags = [1.5, 2, 3, 86_400, 86_400.001]
    rows = [
        {
            "message_id": f"m{n}",
            "status": "sent",
            "event_ts": happened,
            "received_at": happened + timedelta(seconds=lag),
        }
        for n, lag in enumerate(lags)
    ]
    # In Kolkata the last millisecond of the 10th is 18:29:59.999 in UTC.
    rows += [{"message_id": "tomorrow", "status": "sent", "event_ts": at("2026-11-10 18:30:00")}]
    lake = LocalLake(
        write_lake(
            tmp_path, {"statuses": rows, "clicks": [{"click_id": "c", "kind": "button_reply", "event_ts": happened}]}
        )
    )
    with DuckEngine(lake, Settings(timezone="Asia/Kolkata")) as engine:
        statement = find_query("freshness")
        found = plain_rows(engine.run(statement, bind(statement, {"from": "2026-11-10", "to": "2026-11-10"})).rows)
    assert found == [
        ["clicks", "meta", 1, "2026-11-10T10:00:00.000Z", "2026-11-10T10:00:00.000Z", 0, 0.0, 0.0, 0.0],
        ["statuses", "meta", 5, "2026-11-10T10:00:00.000Z", "2026-11-11T10:00:00.001Z", 1, 0.2, 3.0, 86_400.001],
    ]
