"""The local engine over rows in memory: hundreds of Parquet files of a few rows would cost five times as much."""

from __future__ import annotations

import pyarrow as pa

from binaries import ROOT
from bluetick_sql.duck import DuckEngine
from bluetick_sql.lake import LocalLake
from bluetick_sql.schema import read_tables
from bluetick_sql.statements import Settings
from lake_writer import full_rows, schema
from law_lake import Rows

# A directory without manifests: each of its tables has its columns and no rows.
_NO_LAKE = LocalLake(ROOT / "tests" / "sql")


def engine_of(rows: Rows, settings: Settings) -> DuckEngine:
    """An engine whose tables hold these rows, each with the dt of its event time."""
    engine = DuckEngine(_NO_LAKE, settings)
    run = engine.connection.execute
    run("SET threads = 1")
    for table in read_tables():
        if table.name not in rows:
            continue
        name = f"{settings.database}.{table.name}"
        run(f"CREATE TABLE empty_table AS FROM {name}")
        run(f"DROP VIEW {name}")
        run(f"CREATE TABLE {name} AS FROM empty_table")
        run("DROP TABLE empty_table")
        found = pa.Table.from_pylist(full_rows(table.name, rows[table.name]), schema=schema(table.name))
        engine.connection.register("found", found)
        run(f"INSERT INTO {name} BY NAME SELECT *, strftime(event_ts, '%Y-%m-%d') AS dt FROM found")
        engine.connection.unregister("found")
    return engine
