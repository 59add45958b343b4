"""Which Parquet files the local runner opens: none at opening, then those of the days that a query can read."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bluetick_sql.duck import DuckEngine
from bluetick_sql.lake import LocalLake
from bluetick_sql.reach import EVERYTHING, Reach, reach_of_query
from bluetick_sql.rows import plain_rows
from bluetick_sql.schema import read_tables
from bluetick_sql.statements import Settings, bind, find_query
from lake_writer import at, write_lake, write_manifest
from scenario import ROWS, TIMEZONE, WINDOW

SETTINGS = Settings(timezone=TIMEZONE)
LONG_AGO, LONG_AFTER = "2025-01-01", "2027-12-31"


@pytest.fixture
def lake(tmp_path: Path) -> LocalLake:
    """The scenario's lake with partitions long before and long after it, in a directory named like a partition."""
    root = write_lake(tmp_path / "dt=1999-12-31" / "lake", ROWS)
    for number, day in enumerate([LONG_AGO, LONG_AFTER]):
        row = {"message_id": f"other {number}", "status": "sent", "event_ts": at(f"{day} 10:00:00"), "wa_id": "p1"}
        write_lake(root, {"statuses": [row]})
    return LocalLake(root)


def break_parts(lake: LocalLake, day: str) -> int:
    """Makes the parts of a day unreadable. Returns how many there are."""
    parts = list((lake.root / "data").glob(f"*/dt={day}/*.parquet"))
    for part in parts:
        part.write_bytes(b"no Parquet")
    return len(parts)


def answer(lake: LocalLake, name: str, reach: Reach | None = None) -> list[list[object]]:
    statement = find_query(name)
    values = bind(statement, WINDOW)
    reach = reach_of_query(statement, values, SETTINGS) if reach is None else reach
    with DuckEngine(lake, SETTINGS, reach=reach) as engine:
        return plain_rows(engine.run(statement, values).rows)


def test_opening_reads_no_part(lake: LocalLake) -> None:
    assert break_parts(lake, "*") > 10
    with DuckEngine(lake, SETTINGS) as engine:
        assert len(engine.connection.execute("DESCRIBE statuses").fetchall()) > 20
        # The control: a query opens them.
        with pytest.raises(duckdb.Error, match="Parquet"):
            engine.connection.execute("SELECT count(message_id) FROM statuses")


@pytest.mark.parametrize("name", ["ctr_by_button", "failures"])
def test_parts_outside_the_window_do_not_matter(lake: LocalLake, name: str) -> None:
    expected = answer(lake, name, EVERYTHING)
    assert expected != []
    assert break_parts(lake, LONG_AGO) + break_parts(lake, LONG_AFTER) == 2
    assert answer(lake, name) == expected
    # The control: a part of the window matters.
    assert break_parts(lake, WINDOW["from"]) > 0
    with pytest.raises(duckdb.Error, match="Parquet"):
        answer(lake, name)


def test_parts_of_other_days_than_those_of_free_sql_do_not_matter(lake: LocalLake) -> None:
    break_parts(lake, LONG_AGO)
    with DuckEngine(lake, SETTINGS) as engine:
        found = engine.connection.execute(f"SELECT dt, message_id FROM statuses WHERE dt >= '{LONG_AFTER}'").fetchall()
        assert found == [(LONG_AFTER, "other 1")]
        with pytest.raises(duckdb.Error, match="Parquet"):
            engine.connection.execute(f"SELECT message_id FROM statuses WHERE dt >= '{LONG_AGO}'")


def test_older_parts_lack_columns_and_may_order_and_type_them_otherwise(tmp_path: Path) -> None:
    row = {"message_id": "new", "status": "sent", "event_ts": at("2026-11-02 10:00:00"), "buttons": ["a"]}
    root = write_lake(tmp_path / "lake", {"statuses": [row]})
    older = root / "data" / "statuses" / "dt=2026-11-01" / "older.parquet"
    older.parent.mkdir(parents=True)
    times = pa.array([at("2026-11-01 09:00:00").replace(tzinfo=None)], pa.timestamp("us"))
    ids = pa.array(["old"]).dictionary_encode()
    pq.write_table(pa.table({"unknown": pa.array([1]), "event_ts": times, "message_id": ids}), older)
    write_manifest(root, "statuses", "2026-11-01", [older])
    with DuckEngine(LocalLake(root), SETTINGS) as engine:
        columns = [column[0] for column in engine.connection.execute("DESCRIBE statuses").fetchall()]
        rows = engine.connection.execute(
            "SELECT dt, message_id, CAST(event_ts AS VARCHAR), status, buttons FROM statuses ORDER BY dt"
        ).fetchall()
    wanted = next(table for table in read_tables() if table.name == "statuses")
    assert columns == [*(column.name for column in wanted.columns), "dt"]
    assert rows == [
        ("2026-11-01", "old", "2026-11-01 09:00:00", None, None),
        ("2026-11-02", "new", "2026-11-02 10:00:00", "sent", ["a"]),
    ]
