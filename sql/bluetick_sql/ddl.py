"""Reads the DDL of `sql/ddl` back: what Athena would know of a table, for the engines that have no such statement."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_TABLE = re.compile(
    r"CREATE EXTERNAL TABLE IF NOT EXISTS \S+\.(?P<name>\w+) \(\n(?P<columns>.*?)\n\)\n"
    r"PARTITIONED BY \((?P<partitions>.*?)\)\n"
    r"ROW FORMAT SERDE '(?P<serde>[^']+)'\n"
    r"STORED AS INPUTFORMAT '(?P<input>[^']+)'\n"
    r"OUTPUTFORMAT '(?P<output>[^']+)'\n"
    r"LOCATION '(?P<location>[^']+)'\n"
    r"TBLPROPERTIES \(\n(?P<properties>.*?)\n\)",
    re.DOTALL,
)
PARQUET_SERDE = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
_COLUMN = re.compile(r"^\s*(?P<name>\w+)\s+(?P<type>[\w<>]+) COMMENT '(?P<doc>(?:[^'\\]|\\.)*)',?$")
_PROPERTY = re.compile(r"'([^']+)'\s*=\s*'([^']+)'")


@dataclass(frozen=True)
class Column:
    """A column: its name, its type in Hive's words, and its comment."""

    name: str
    type: str
    doc: str


@dataclass(frozen=True)
class Table:
    """A table as its DDL defines it."""

    name: str
    columns: tuple[Column, ...]
    partitions: tuple[Column, ...]
    serde: str
    input_format: str
    output_format: str
    location: str
    properties: dict[str, str]

    @property
    def is_parquet(self) -> bool:
        """Whether its rows are those of Parquet files that manifests name.

        Else they are NDJSON objects of its location.
        """
        return self.serde == PARQUET_SERDE


def _column(line: str) -> Column:
    match = _COLUMN.match(line)
    if match is None:
        raise ValueError(f"no column definition: {line!r}")
    return Column(match["name"], match["type"], match["doc"].replace("\\'", "'"))


def parse_table(text: str) -> Table:
    """The table that a file of `sql/ddl` creates.

    Raises ValueError where the text has another shape than those files.
    """
    match = _TABLE.search(text)
    if match is None:
        raise ValueError("not a CREATE EXTERNAL TABLE of the expected shape")
    return Table(
        name=match["name"],
        columns=tuple(_column(line) for line in match["columns"].splitlines()),
        partitions=tuple(_column(part) for part in [match["partitions"]]),
        serde=match["serde"],
        input_format=match["input"],
        output_format=match["output"],
        location=match["location"],
        properties=dict(_PROPERTY.findall(match["properties"])),
    )


def read_tables(ddl: Path) -> list[Table]:
    """The tables of a folder of DDL, in the order of their names."""
    files = sorted(path for path in ddl.glob("*.sql") if path.stem != "database")
    return [parse_table(path.read_text(encoding="utf-8")) for path in files]
