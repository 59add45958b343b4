"""Reads the generated `sql/schema.json`: the tables, for engines that cannot run the statements of `sql/ddl`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .statements import SQL_ROOT


@dataclass(frozen=True)
class Column:
    """A column: name, type (by Hive's type names) and comment."""

    name: str
    type: str
    comment: str


@dataclass(frozen=True)
class Table:
    """A table as its DDL creates it. `location` and `properties` hold `${…}`, which `Settings.fill` replaces."""

    name: str
    comment: str
    columns: tuple[Column, ...]
    partition: Column
    is_parquet: bool
    serde: str
    input_format: str
    output_format: str
    location: str
    properties: dict[str, str]


def _column(column: dict[str, Any]) -> Column:
    return Column(column["name"], column["type"], column["comment"])


def _table(table: dict[str, Any]) -> Table:
    return Table(
        name=table["table"],
        comment=table["comment"],
        columns=tuple(_column(column) for column in table["columns"]),
        partition=_column(table["partition"]),
        is_parquet=table["format"] == "parquet",
        serde=table["serde"],
        input_format=table["input_format"],
        output_format=table["output_format"],
        location=table["location"],
        properties=table["properties"],
    )


def read_tables(path: Path = SQL_ROOT / "schema.json") -> list[Table]:
    """All tables, in the order of their definition. `path` is a file with the output of `bluetick schema --json`."""
    return [_table(table) for table in json.loads(path.read_text(encoding="utf-8"))]
