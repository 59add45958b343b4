"""Results: the columns and rows of a query, in the same Python types whatever engine they come from, and as text."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Result:
    """A query's answer. Cells are None, str, int, float, bool, date or (UTC, no zone attached) datetime."""

    columns: list[str]
    rows: list[list[Any]]
    bytes_read: int | None = None


def plain(value: Any) -> Any:
    """A cell as JSON has it: dates as `2026-11-20`, times as `2026-11-20T09:30:00.000Z`."""
    if isinstance(value, datetime):
        utc = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
        return utc.isoformat(timespec="milliseconds") + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        raise TypeError("a decimal has no place in a result: cast it to double or bigint")
    return value


def plain_rows(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """Every cell through `plain`."""
    return [[plain(cell) for cell in row] for row in rows]


def as_json(result: Result) -> str:
    """A list of objects, one a row, keys in the order of the columns."""
    return json.dumps(
        [dict(zip(result.columns, row, strict=True)) for row in plain_rows(result.rows)], indent=1, ensure_ascii=False
    )


def as_csv(result: Result) -> str:
    """CSV with a header; null is an empty field."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(result.columns)
    writer.writerows(plain_rows(result.rows))
    return out.getvalue()


def write_parquet(result: Result, path: Path) -> None:
    """A Parquet file. The type of a column is that of its values; a column without any is text."""
    # Here alone, so that the programs on Athena need no DuckDB.
    import duckdb

    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        rows = Path(folder) / "rows.ndjson"
        with rows.open("w", encoding="utf-8") as out:
            for row in plain_rows(result.rows):
                out.write(json.dumps(dict(enumerate(row)), ensure_ascii=False) + "\n")
        types = {
            str(number): _parquet_type(row[number] for row in result.rows) for number in range(len(result.columns))
        }
        cells = [f'"{number}" AS "{name.replace(chr(34), chr(34) * 2)}"' for number, name in enumerate(result.columns)]
        connection.read_json(str(rows), columns=types, format="newline_delimited").create_view("answer")
        target = str(path).replace("'", "''")
        connection.execute(f"COPY (SELECT {', '.join(cells)} FROM answer) TO '{target}' (FORMAT parquet)")


def _parquet_type(values: Iterable[Any]) -> str:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        return "DOUBLE"
    known = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", datetime: "TIMESTAMP", date: "DATE"}
    return known.get(kinds.pop(), "VARCHAR") if len(kinds) == 1 else "VARCHAR"


def _cell(value: Any) -> str:
    value = plain(value)
    if value is None:
        return "-"
    text = f"{value:.4f}" if isinstance(value, float) else str(value)
    return "".join(character if character.isprintable() else "␣" for character in text)


def as_table(result: Result) -> str:
    """Aligned text for people: rates to four places, null as `-`. Numbers stand to the right."""
    cells = [result.columns] + [[_cell(value) for value in row] for row in result.rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(result.columns))]
    numeric = [
        any(row[i] is not None for row in result.rows)
        and all(row[i] is None or isinstance(row[i], (int, float)) for row in result.rows)
        for i in range(len(result.columns))
    ]

    def line(row: Sequence[str]) -> str:
        padded = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ]
        return "  ".join(padded).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([line(cells[0]), rule, *(line(row) for row in cells[1:])]) + "\n"
