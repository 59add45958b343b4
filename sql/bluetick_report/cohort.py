"""One reading of the lake for all queries of a report.

On DuckDB the messages of the period are computed once, into a table, and every query of the report takes them from
there: the same text, but for the include `cohort`. Trino and Athena have no temporary table, so there each query runs
as it stands.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from bluetick_sql.duck import DuckEngine, translate
from bluetick_sql.rows import Result
from bluetick_sql.statements import Statement, bind, find_query, include, read_common, read_statement

from .periods import Period

CUBE = "cube"
_CUBE_FILE = Path(__file__).with_name("cube.sql")
_MESSAGES = "report_messages"
_ALL_MESSAGES = "WITH ${include:cohort} SELECT * FROM sent_messages"


class Engine(Protocol):
    """What runs a query: DuckDB over a local lake, Trino or Athena."""

    def run(self, statement: Statement, values: list[str]) -> Result:
        """The answer of a query; `values` are those of its `?`, in their order."""
        ...


class Queries:
    """The queries of one period, each run as it stands."""

    def __init__(self, engine: Engine, period: Period) -> None:
        self.engine = engine
        self.period = period

    def ask(self, name: str) -> Result:
        """The answer of the query of this name, or of the report's own counts for `CUBE`."""
        statement = read_statement(_CUBE_FILE, self.read) if name == CUBE else find_query(name, self.read)
        return self.engine.run(statement, bind(statement, self.period.values()))

    def read(self, name: str) -> str:
        """The text of an include."""
        return read_common(name)


class DuckQueries(Queries):
    """The queries of one period on DuckDB, over one table of its messages."""

    def __init__(self, engine: DuckEngine, period: Period) -> None:
        super().__init__(engine, period)
        database = engine.settings.database
        self._cohort = (
            "${include:cohort_window},\n${include:taps},\n"
            f"sent_messages AS (\n  SELECT * FROM {database}.{_MESSAGES}\n"
            "  WHERE ? IN ('', coalesce(account_id, '')) AND ? IN ('', coalesce(phone_number_id, ''))\n)"
        )
        text = translate(engine.settings.fill(include(_ALL_MESSAGES)))
        values = [*period.values().values(), "", ""]
        engine.connection.execute(f"CREATE OR REPLACE TABLE {database}.{_MESSAGES} AS {text}", values)

    def read(self, name: str) -> str:
        """The text of an include; the messages of the period come from the table."""
        return self._cohort if name == "cohort" else super().read(name)
