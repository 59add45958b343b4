"""The transform's work done with other tools: gzip NDJSON in, one sorted Parquet file per table and day out.

`peers.py NAME OUT SCHEMA RAW.gz…` does the work once; `bench.py` measures the process.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable
from pathlib import Path

Tables = list[dict]
DAY_MS = 86_400_000


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
                TO '{target}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3)"""
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


PEERS: dict[str, Callable] = {
    "duckdb": duckdb,
    "duckdb-2": lambda out, tables, raw: duckdb(out, tables, raw, threads=2),
    "polars": polars,
    "pyarrow": pyarrow,
    "python": python,
}

if __name__ == "__main__":
    peer, out, schema, *objects = sys.argv[1:]
    stored = json.loads(Path(schema).read_text(encoding="utf-8"))
    # `rejected_lines` is no table of events: the transform writes it as JSON.
    PEERS[peer](Path(out), [table for table in stored if table["format"] == "parquet"], objects)
