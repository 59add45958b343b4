"""The queries of a report, on whatever engine answers them."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from bluetick_sql.rows import Result
from bluetick_sql.statements import Statement, bind, find_query, read_common, read_statement

from .periods import Period

CUBE = "cube"
_CUBE_FILE = Path(__file__).with_name("cube.sql")


class Engine(Protocol):
    """What runs a query: DuckDB over a local lake, Trino or Athena."""

    def run(self, statement: Statement, values: list[str]) -> Result:
        """The answer of a query; `values` are those of its `?`, in their order."""
        ...


class Queries:
    """The queries of a report, each run as it stands."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def ask(self, name: str, period: Period) -> Result:
        """The answer of the query of this name, or of the report's own counts for `CUBE`."""
        statement = read_statement(_CUBE_FILE, self.read) if name == CUBE else find_query(name, self.read)
        return self.engine.run(statement, bind(statement, period.values()))

    def read(self, name: str) -> str:
        """The text of an include."""
        return read_common(name)
