"""Writes small lakes for the tests: Parquet parts with the types of `sql/schema.json`, and manifests."""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bluetick_sql.schema import Table, read_tables

_ARROW = {
    "string": pa.string(),
    "timestamp": pa.timestamp("ms", tz="UTC"),
    "bigint": pa.int64(),
    "boolean": pa.bool_(),
    "array<string>": pa.list_(pa.field("element", pa.string())),
    "map<string,string>": pa.map_(pa.string(), pa.string()),
}

TABLES: dict[str, Table] = {table.name: table for table in read_tables()}


def schema(table: str) -> pa.Schema:
    """The Arrow schema of a table's files."""
    return pa.schema([(column.name, _ARROW[column.type]) for column in TABLES[table].columns])


def at(text: str) -> datetime:
    """A UTC time written as `2026-11-02 10:00:00`, with or without a fraction."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def write_part(root: Path, table: str, dt: str, rows: list[dict[str, Any]]) -> Path:
    """Writes rows as one part that no manifest names yet."""
    folder = root / "data" / table / f"dt={dt}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{uuid.uuid4()}.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=schema(table)), path, compression="zstd")
    return path


def write_manifest(root: Path, table: str, dt: str, parts: list[Path]) -> None:
    """Publishes the parts of a partition in one step: readers see the old list or the new one."""
    folder = root / "manifest" / table / f"dt={dt}"
    folder.mkdir(parents=True, exist_ok=True)
    staged = root / f".{uuid.uuid4()}"
    # Engines take a line as it stands: nothing in it is percent-encoded, not even the `=` of the partition.
    staged.write_text("".join(f"file://{part.resolve()}\n" for part in parts), encoding="utf-8")
    staged.replace(folder / "symlink.txt")


def write_rejections(root: Path, rows: list[dict[str, Any]]) -> None:
    """Writes rows of `rejections`, each into the partition of its `dt`, as the lake writes them."""
    for row in rows:
        folder = root / "rejections" / f"dt={row['dt']}"
        folder.mkdir(parents=True, exist_ok=True)
        kept = {name: value for name, value in row.items() if name != "dt"}
        (folder / f"{uuid.uuid4().hex}.ndjson").write_text(json.dumps(kept) + "\n", encoding="utf-8")


def full_rows(table: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with what every row must have. Raises ValueError for a column that the table does not have."""
    full = [{"provider": "meta", "received_at": row["event_ts"], **row} for row in rows]
    unknown = {name for row in full for name in row} - {column.name for column in TABLES[table].columns}
    if unknown:
        raise ValueError(f"{table} has no column {', '.join(sorted(unknown))}")
    return full


def write_lake(root: Path, rows: dict[str, list[dict[str, Any]]]) -> Path:
    """Writes rows by table, each into the partition of its event time.

    What every row must have is filled in where it is missing.
    """
    for table, found in rows.items():
        if not TABLES[table].is_parquet:
            write_rejections(root, found)
            continue
        partitions: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in full_rows(table, found):
            partitions[row["event_ts"].strftime("%Y-%m-%d")].append(row)
        for dt, part in partitions.items():
            write_manifest(root, table, dt, [write_part(root, table, dt, part)])
    return root
