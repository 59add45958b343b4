"""Reads a lake as any reader would: list the manifests, read the files that they name."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pyarrow.parquet

# Two deliveries of one event differ in when they came, and in nothing else.
NOT_COMPARED = {"received_at"}


def parts(lake: Path, table: str) -> list[Path]:
    """The files of a table."""
    manifests = sorted((lake / "manifest" / table).glob("dt=*/symlink.txt"))
    return [Path(uri.removeprefix("file://")) for manifest in manifests for uri in manifest.read_text().splitlines()]


def comparable(table: pyarrow.Table) -> list[tuple]:
    """The rows of a table as tuples that can be compared and put in sets."""
    columns = [name for name in table.column_names if name not in NOT_COMPARED]
    values = [
        [tuple(value) if isinstance(value, list) else value for value in table.column(name).to_pylist()]
        for name in columns
    ]
    return list(zip(*values, strict=False))


@cache
def rows_of_part(part: Path) -> list[tuple]:
    """The rows of a file. Files of a lake never change, so each is read once."""
    return comparable(pyarrow.parquet.ParquetFile(part).read())


def rows(lake: Path) -> dict[str, list[tuple]]:
    """All rows by table, in an order of their own."""
    found: dict[str, list[tuple]] = {}
    for table in ("clicks", "statuses", "sends", "messages", "account_events"):
        of_table = [row for part in parts(lake, table) for row in rows_of_part(part)]
        found[table] = sorted(of_table, key=repr)
    return found
