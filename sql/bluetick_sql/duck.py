"""The local engine: Athena's text through sqlglot into DuckDB, with the differences that sqlglot passes over put right.

Trino, on which Athena is built, and DuckDB understand some of the same words differently and say nothing. Each of these
is handled here and has a test at its edge (`tests/sql/test_silent_differences.py`):

* `/` of two integers is a whole number in Trino: `integer_division`.
* Times have no zone; `at_timezone` and `with_timezone` are macros.
* `min_by` and `max_by` keep a null value in Trino, `arg_min` and `arg_max` skip it: `arg_min_null`, `arg_max_null`.
* `date_add` to a date gives a date in Trino, a timestamp in DuckDB (and another text): cast back.
* Nulls sort last in both directions: `default_null_order`.
* `date_diff` counts full units in Trino and boundaries in DuckDB: allowed for milliseconds only, where they agree.
"""

from __future__ import annotations

import functools
from types import TracebackType

import duckdb
import sqlglot
from sqlglot import exp

from .lake import Lake
from .reach import EVERYTHING, Reach
from .rows import Result
from .schema import Table, read_tables
from .statements import Settings, Statement, column_comments, read_statement, view_files

_TYPES = {
    "string": "VARCHAR",
    "timestamp": "TIMESTAMP",
    "bigint": "BIGINT",
    "boolean": "BOOLEAN",
    "array<string>": "VARCHAR[]",
    "map<string,string>": "MAP(VARCHAR, VARCHAR)",
}

OPTIONS = (
    "SET TimeZone = 'UTC'",
    "SET integer_division = true",
    "SET default_null_order = 'nulls_last'",
    # So that `progress` knows; it draws the bar itself, on stderr.
    "SET enable_progress_bar = true",
    "SET enable_progress_bar_print = false",
)

MACROS = (
    "CREATE MACRO with_timezone(t, zone) AS timezone(zone, CAST(t AS TIMESTAMP))",
    "CREATE MACRO at_timezone(t, zone) AS timezone(zone, t)",
)


class TranslationError(ValueError):
    """A statement uses something that DuckDB would silently answer otherwise than Athena."""


# Parsing a query takes longer than a small lake's answer; a run asks the same text many times.
@functools.lru_cache(maxsize=1024)
def translate(text: str) -> str:
    """One statement of Athena's dialect as DuckDB's. Raises TranslationError for what would silently differ."""
    tree = sqlglot.parse_one(text, read="athena")
    for node in list(tree.find_all(exp.DateDiff, exp.TimestampDiff, exp.ApproxQuantile, exp.ApproxDistinct)):
        _refuse(node)
    for node in list(tree.find_all(exp.ArgMin, exp.ArgMax)):
        name = "arg_min_null" if isinstance(node, exp.ArgMin) else "arg_max_null"
        node.replace(exp.Anonymous(this=name, expressions=[node.this, node.expression]))
    for node in list(tree.find_all(exp.DateAdd)):
        if not _is_date(node.this):
            raise TranslationError("date_add of anything but date(…) is not allowed: use INTERVAL")
        node.replace(exp.cast(node.copy(), "date"))
    return tree.sql(dialect="duckdb", comments=False)


def _refuse(node: exp.Expression) -> None:
    if isinstance(node, (exp.ApproxQuantile, exp.ApproxDistinct)):
        raise TranslationError(f"{node.sql_name()} is approximate: the engines answer differently")
    unit = node.args.get("unit")
    if unit is None or unit.name.upper() != "MILLISECOND":
        raise TranslationError("date_diff differs between the engines in every unit but milliseconds")


def _is_date(node: exp.Expression) -> bool:
    return isinstance(node, exp.Date) or (isinstance(node, exp.Cast) and node.is_type("date"))


def _table_sql(table: Table, lake: Lake, reach: Reach, connection: duckdb.DuckDBPyConnection) -> str:
    """The SELECT that reads a table of the lake, with the columns and types of its DDL.

    A column that a file lacks is null.
    """
    found = lake.files(table.name, reach) if table.is_parquet else lake.objects(table.name, reach)
    files = [str(path) for path in found]
    if not files:
        wanted = [*((column.name, _TYPES[column.type]) for column in table.columns), ("dt", "VARCHAR")]
        return f"SELECT {', '.join(_null(name, kind) for name, kind in wanted)} WHERE false"
    listing = ", ".join(_quoted(name) for name in files)
    return _parquet_sql(table, listing) if table.is_parquet else _json_sql(table, listing, connection)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _null(name: str, kind: str) -> str:
    return f'CAST(NULL AS {kind}) AS "{name}"'


def _parquet_sql(table: Table, listing: str) -> str:
    """The SELECT for Parquet files.

    The columns are stated, because DuckDB would otherwise read the footers of all files to find them, at opening and
    in each query. It cannot combine stated columns with Hive partitions, so `dt` is taken from the file's name; files
    outside the days of a query are still left out.
    """
    wanted = [(column.name, _TYPES[column.type]) for column in table.columns]
    # Files hold instants. DuckDB's type of an instant also takes a time without a zone, as UTC.
    stored = {"TIMESTAMP": "TIMESTAMPTZ"}
    columns = ", ".join(
        f"{_quoted(name)}: {{name: {_quoted(name)}, type: '{stored.get(kind, kind)}', default_value: NULL}}"
        for name, kind in wanted
    )
    read = [f'timezone(\'UTC\', "{name}") AS "{name}"' if kind in stored else f'"{name}"' for name, kind in wanted]
    day = "regexp_extract(filename, '.*/dt=([^/]*)/', 1) AS dt"
    source = f"read_parquet([{listing}], schema = MAP {{{columns}}}, filename = true)"
    return f"SELECT {', '.join([*read, day])} FROM {source}"


def _json_sql(table: Table, listing: str, connection: duckdb.DuckDBPyConnection) -> str:
    """The SELECT for NDJSON objects. Their columns are those that DuckDB finds in them."""
    partitions = "hive_partitioning = true, hive_types = {'dt': VARCHAR}"
    source = f"read_json([{listing}], format = 'newline_delimited', {partitions})"
    present = {row[0]: row[1] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}

    def column(name: str, kind: str) -> str:
        if name not in present:
            return _null(name, kind)
        if kind == "TIMESTAMP" and present[name] == "TIMESTAMP WITH TIME ZONE":
            return f'timezone(\'UTC\', "{name}") AS "{name}"'
        return f'CAST("{name}" AS {kind}) AS "{name}"'

    columns = [column(wanted.name, _TYPES[wanted.type]) for wanted in table.columns]
    return f"SELECT {', '.join(columns)}, dt FROM {source}"


class DuckEngine:
    """A lake as Athena would show it: its tables and views in an in-memory DuckDB."""

    def __init__(
        self, lake: Lake, settings: Settings, views: dict[str, str] | None = None, reach: Reach = EVERYTHING
    ) -> None:
        """Opens the lake as its manifests stand now, without the partitions outside `reach`.

        `views` replaces the text of views by name, for tests.
        """
        self.settings = settings
        self.connection = duckdb.connect()
        lake.attach(self.connection)
        for option in OPTIONS:
            self.connection.execute(option)
        for macro in MACROS:
            self.connection.execute(macro)
        self.connection.execute(f"CREATE SCHEMA {settings.database}")
        for table in read_tables():
            select = _table_sql(table, lake, reach, self.connection)
            self.connection.execute(f"CREATE VIEW {settings.database}.{table.name} AS {select}")
        for path in view_files():
            text = (views or {}).get(path.stem, read_statement(path).text)
            self.connection.execute(translate(settings.fill(text)))
            view = f"{settings.database}.{path.stem.split('_', 1)[1]}"
            for column, comment in column_comments(read_statement(path)).items():
                quoted = comment.replace("'", "''")
                self.connection.execute(f"COMMENT ON COLUMN {view}.{column} IS '{quoted}'")
        # A query of the caller's own names the tables alone, as on Athena.
        self.connection.execute(f"SET search_path = '{settings.database},main'")

    def run(self, statement: Statement, values: list[str]) -> Result:
        """The answer of a query; `values` are those of its `?`, in their order."""
        cursor = self.connection.execute(translate(self.settings.fill(statement.text)), values)
        columns = [column[0] for column in cursor.description]
        return Result(columns, [list(row) for row in cursor.fetchall()])

    def progress(self) -> float | None:
        """How far the running query is, from 0 to 1; None if DuckDB does not know."""
        percent = self.connection.query_progress()
        return percent / 100 if percent >= 0 else None

    def close(self) -> None:
        """Ends the in-memory database."""
        self.connection.close()

    def __enter__(self) -> DuckEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
