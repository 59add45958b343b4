"""What a query reads, by Trino's own plan: each scan with its columns and its partitions."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow.parquet

from bluetick_sql.lake import LocalLake
from bluetick_sql.statements import Settings, Statement
from bluetick_sql.trino_client import TrinoEngine

_COLUMN = re.compile(r"\S+ := (\w+):.*:REGULAR")
# Trino reads this much of the end of a file to find the footer (ParquetReader's EXPECTED_FOOTER_SIZE).
_TAIL_BYTES = 48 * 1024
_PARTITION = re.compile(r"(?:\S+ := )?dt:.*:PARTITION_KEY")
_RANGE = re.compile(r"\[(\d{4}-\d{2}-\d{2})(?:, (\d{4}-\d{2}-\d{2}))?\]")


@dataclass(frozen=True)
class Scan:
    """One scan of a table: its columns, and the ranges of `dt` that it reads; no ranges if it reads every partition."""

    table: str
    columns: frozenset[str]
    ranges: tuple[tuple[str, str], ...]

    def reads(self, dt: str) -> bool:
        """Whether it reads this partition."""
        return not self.ranges or any(first <= dt <= last for first, last in self.ranges)


def with_values(statement: Statement, values: list[str], settings: Settings) -> str:
    """The text of a statement with its values in place: EXPLAIN takes no parameters."""
    text = Statement(statement.name, settings.fill(statement.text)).body
    quoted = ["'" + value.replace("'", "''") + "'" for value in values]
    return "".join(a + b for a, b in zip(text.split("?"), [*quoted, ""], strict=True))


def scans(engine: TrinoEngine, text: str) -> list[Scan]:
    """The scans of a query's plan. `text` has no parameters left."""
    _, rows, _ = engine.execute("EXPLAIN (TYPE DISTRIBUTED, FORMAT JSON) " + text)
    return [scan for fragment in json.loads(rows[0][0]).values() for scan in _scans_below(fragment)]


def _scans_below(node: dict[str, Any]) -> list[Scan]:
    found = [scan for child in node["children"] for scan in _scans_below(child)]
    table = node["descriptor"].get("table", "")
    if "Scan" not in node["name"] or not table.startswith("hive:"):
        return found
    columns = frozenset(match.group(1) for detail in node["details"] if (match := _COLUMN.fullmatch(detail)))
    details = iter(node["details"])
    ranges: tuple[tuple[str, str], ...] = ()
    for detail in details:
        if _PARTITION.fullmatch(detail):
            ranges = tuple((first, last or first) for first, last in _RANGE.findall(next(details, "")))
    return [*found, Scan(table.split(":")[2].split(" ")[0], columns, ranges)]


def bytes_read(found: list[Scan], lake: Path) -> int:
    """The bytes of these scans: of each part that they read, the chunks of their columns and the end of the file."""
    total = 0
    for scan in found:
        parts = [part for part in LocalLake(lake).files(scan.table) if scan.reads(part.parent.name.removeprefix("dt="))]
        sizes = [_sizes(part) for part in parts]
        total += sum(size for of_part in sizes for column, size in of_part.items() if column in {*scan.columns, ""})
        objects = LocalLake(lake).objects(scan.table)
        total += sum(path.stat().st_size for path in objects if scan.reads(path.parent.name.removeprefix("dt=")))
    return total


@cache
def _sizes(part: Path) -> dict[str, int]:
    """Compressed bytes of each column of a part, and under an empty name what is read to find its footer."""
    metadata = pyarrow.parquet.read_metadata(part)
    sizes = {"": max(min(_TAIL_BYTES, part.stat().st_size), metadata.serialized_size)}
    for group in range(metadata.num_row_groups):
        for number in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(number)
            column = chunk.path_in_schema.split(".")[0]
            sizes[column] = sizes.get(column, 0) + chunk.total_compressed_size
    return sizes
