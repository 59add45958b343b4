"""The same work done with other tools. `bench.py` measures one process of:

peers.py transform NAME OUT SCHEMA RAW.gz…   gzip NDJSON in, one sorted Parquet file per table and day out
peers.py rewrite-day DAY.parquet RAW.gz OUT  DuckDB: a day and new rows, without duplicates, written again
peers.py merge-delta TABLE RAW.gz            delta-rs: new rows merged into a Delta table
peers.py one-file OUT PART…                  DuckDB: all rows of some parts in one sorted file
peers.py ask FILE…                           DuckDB: a query over some files, five times; prints the answers
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable
from pathlib import Path

Tables = list[dict]
DAY_MS = 86_400_000


def tables_of(schema: str) -> Tables:
    """The tables with the columns that raw lines here may have: no maps, and no hash of the statement."""
    stored = json.loads(Path(schema).read_text(encoding="utf-8"))
    # `rejections` and the like are no tables of events: the transform writes them as JSON.
    tables = [table for table in stored if table["format"] == "parquet"]
    for table in tables:
        columns = table["columns"]
        table["columns"] = [c for c in columns if c["name"] != "statement_hash" and not c["type"].startswith("map<")]
        table["key"] = [name for name in table["key"] if name != "statement_hash"]
    return tables


def copy_to(path: object) -> str:
    return f"TO '{path}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3)"


def duckdb(out: Path, tables: Tables, raw: list[str], threads: int = 1) -> None:
    import duckdb

    database = duckdb.connect()
    database.execute(f"SET threads = {threads}; SET preserve_insertion_order = false; SET TimeZone = 'UTC'")
    types = {
        "string": "VARCHAR",
        "timestamp": "BIGINT",
        "bigint": "BIGINT",
        "boolean": "BOOLEAN",
        "array<string>": "VARCHAR[]",
    }
    columns = {column["name"]: types[column["type"]] for table in tables for column in table["columns"]}
    listed = ", ".join(f"'{name}': '{kind}'" for name, kind in {"table": "VARCHAR", **columns}.items())
    database.execute(
        f"CREATE TABLE raw AS SELECT * FROM read_json({raw!r}, format = 'newline_delimited', columns = {{{listed}}})"
    )
    for table in tables:
        names = ", ".join(f'"{column["name"]}"' for column in table["columns"])
        key = ", ".join(f'"{name}"' for name in table["key"])
        order = ", ".join(f'"{name}"' for name in sorted(table["key"], key=lambda name: name != "event_ts"))
        days = database.execute(
            'SELECT DISTINCT event_ts // 86400000 FROM raw WHERE "table" = ?', [table["table"]]
        ).fetchall()
        database.execute(
            f"""CREATE OR REPLACE TABLE one AS SELECT {names} FROM raw WHERE "table" = '{table["table"]}'
            QUALIFY row_number() OVER (PARTITION BY event_ts // 86400000, {key} ORDER BY received_at) = 1"""
        )
        for (day,) in days:
            target = out / table["table"] / f"{day}.parquet"
            target.parent.mkdir(parents=True, exist_ok=True)
            database.execute(
                f"""COPY (SELECT {names} FROM one WHERE event_ts // 86400000 = {day} ORDER BY event_ts, {order})
                {copy_to(target)}"""
            )


def polars(out: Path, tables: Tables, raw: list[str]) -> None:
    import polars as pl

    types = {
        "string": pl.String,
        "timestamp": pl.Int64,
        "bigint": pl.Int64,
        "boolean": pl.Boolean,
        "array<string>": pl.List(pl.String),
    }
    columns = {column["name"]: types[column["type"]] for table in tables for column in table["columns"]}
    frames = [
        pl.read_ndjson(gzip.decompress(Path(path).read_bytes()), schema={"table": pl.String, **columns}) for path in raw
    ]
    frame = pl.concat(frames)
    for table in tables:
        names = [column["name"] for column in table["columns"]]
        rows = frame.filter(pl.col("table") == table["table"]).select(names)
        rows = rows.with_columns(day=pl.col("event_ts") // DAY_MS).sort("received_at")
        rows = rows.unique(["day", *table["key"]], keep="first", maintain_order=True)
        rows = rows.sort(["event_ts", *(name for name in table["key"] if name != "event_ts")])
        for (day,), part in rows.partition_by("day", as_dict=True, include_key=False).items():
            target = out / table["table"] / f"{day}.parquet"
            target.parent.mkdir(parents=True, exist_ok=True)
            part.write_parquet(target, compression="zstd", compression_level=3)


def arrow_schema(table: dict):
    import pyarrow as pa

    types = {
        "string": pa.string(),
        "timestamp": pa.int64(),
        "bigint": pa.int64(),
        "boolean": pa.bool_(),
        "array<string>": pa.list_(pa.string()),
    }
    return pa.schema([(column["name"], types[column["type"]]) for column in table["columns"]])


def write_days(out: Path, table: dict, rows) -> None:
    """Deduplicates, sorts and writes an Arrow table."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    rows = rows.append_column("day", pc.divide(rows["event_ts"], DAY_MS))
    rows = rows.sort_by([("received_at", "ascending")]).append_column("row", pa.array(range(len(rows))))
    first = rows.group_by(["day", *table["key"]], use_threads=False).aggregate([("row", "min")])["row_min"]
    rows = rows.take(first).sort_by(
        [("event_ts", "ascending"), *((name, "ascending") for name in table["key"] if name != "event_ts")]
    )
    for day in pc.unique(rows["day"]).to_pylist():
        target = out / table["table"] / f"{day}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        part = rows.filter(pc.equal(rows["day"], day)).drop_columns(["day", "row"])
        pq.write_table(part, target, compression="zstd", compression_level=3)


def pyarrow(out: Path, tables: Tables, raw: list[str]) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.json as pj

    pa.set_cpu_count(1)
    fields = {field.name: field.type for table in tables for field in arrow_schema(table)}
    options = pj.ParseOptions(explicit_schema=pa.schema([("table", pa.string()), *fields.items()]))
    read = [pj.read_json(pa.input_stream(path, compression="gzip"), parse_options=options) for path in raw]
    everything = pa.concat_tables(read)
    for table in tables:
        rows = everything.filter(pc.equal(everything["table"], table["table"]))
        write_days(out, table, rows.select([column["name"] for column in table["columns"]]))


def python(out: Path, tables: Tables, raw: list[str]) -> None:
    """The usual Python function: json.loads, dictionaries, pyarrow to write."""
    import pyarrow as pa

    by_name = {table["table"]: table for table in tables}
    rows: dict[str, dict[tuple, dict]] = {name: {} for name in by_name}
    for path in raw:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                table = by_name[row["table"]]
                key = (row["event_ts"] // DAY_MS, *(row.get(name) for name in table["key"]))
                known = rows[row["table"]].get(key)
                if known is None or row["received_at"] < known["received_at"]:
                    rows[row["table"]][key] = row
    for name, unique in rows.items():
        if unique:
            write_days(
                out, by_name[name], pa.Table.from_pylist(list(unique.values()), schema=arrow_schema(by_name[name]))
            )


def rewrite_day(day: str, raw: str, out: str) -> None:
    import duckdb

    database = duckdb.connect()
    database.execute("SET threads = 1")
    database.execute(
        f"""COPY (SELECT * FROM (SELECT * FROM '{day}' UNION ALL BY NAME
            SELECT * EXCLUDE ("table") REPLACE (make_timestamptz(event_ts * 1000) AS event_ts,
                make_timestamptz(received_at * 1000) AS received_at)
            FROM read_json('{raw}', format = 'newline_delimited'))
        QUALIFY row_number() OVER (PARTITION BY message_id, status, event_ts ORDER BY received_at) = 1
        ORDER BY event_ts, message_id, status) {copy_to(out)}"""
    )


def with_microseconds(schema):
    """Delta tables have no timestamps in milliseconds."""
    import pyarrow as pa

    times = ("event_ts", "received_at")
    return pa.schema([(f.name, pa.timestamp("us", "UTC") if f.name in times else f.type) for f in schema])


def merge_delta(path: str, raw: str) -> None:
    import pyarrow as pa
    from deltalake import DeltaTable

    with gzip.open(raw, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    names = [name for name in rows[0] if name != "table"]
    columns = {name: pa.array([row[name] for row in rows]) for name in names}
    for name in ("event_ts", "received_at"):
        columns[name] = columns[name].cast(pa.timestamp("ms", "UTC")).cast(pa.timestamp("us", "UTC"))
    same = "s.message_id = t.message_id AND s.status = t.status AND s.event_ts = t.event_ts"
    merge = DeltaTable(path).merge(pa.table(columns), same, source_alias="s", target_alias="t")
    merge.when_not_matched_insert(updates={name: f"s.{name}" for name in names}).execute()


def one_file(out: str, *parts: str) -> None:
    import duckdb

    duckdb.execute(f"COPY (SELECT * FROM read_parquet({list(parts)!r}) ORDER BY event_ts, message_id) {copy_to(out)}")


def ask(*files: str) -> None:
    import duckdb

    database = duckdb.connect()
    database.execute("SET threads = 1")
    for _ in range(5):
        answer = database.execute(
            f"""SELECT provider, status, count(DISTINCT message_id), epoch_ms(min(event_ts)), epoch_ms(max(event_ts))
            FROM read_parquet({list(files)!r}) GROUP BY ALL ORDER BY ALL"""
        )
        print(answer.fetchall())


TRANSFORMS: dict[str, Callable] = {
    "duckdb": duckdb,
    "duckdb-2": lambda out, tables, raw: duckdb(out, tables, raw, threads=2),
    "polars": polars,
    "pyarrow": pyarrow,
    "python": python,
}

COMMANDS: dict[str, Callable] = {
    "transform": lambda name, out, schema, *raw: TRANSFORMS[name](Path(out), tables_of(schema), list(raw)),
    "rewrite-day": rewrite_day,
    "merge-delta": merge_delta,
    "one-file": one_file,
    "ask": ask,
}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])
