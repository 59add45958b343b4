"""`python -m bluetick_sql ctr_by_button --from 2026-11-01 --to 2026-11-20`: one query, its answer on stdout.

Instead of a query's name: `--sql TEXT`, or the path of a file that ends in `.sql`.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

import duckdb

from .duck import TranslationError
from .engines import add_engine_options, open_engine, settings_of
from .free import free_file, free_statement, is_own_file, loosened
from .lake import LakeError
from .progress import shown
from .reach import EVERYTHING, reach_of_query
from .rows import Result, as_csv, as_json, as_table, write_parquet
from .statements import Statement, StatementError, bind, find_query, query_files, read_statement
from .window import add_window_options, window_of

FORMATS = {"table": as_table, "csv": as_csv, "json": lambda result: as_json(result) + "\n"}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bluetick_sql", description="Runs a query of sql/queries as it stands.")
    parser.add_argument(
        "query", nargs="?", help="its name, or a file.sql; without one, the names and their questions are listed"
    )
    parser.add_argument("--sql", metavar="TEXT", help="a query of your own; - reads it from stdin")
    add_window_options(parser)
    parser.add_argument(
        "--param",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any other parameter of the query; may be repeated",
    )
    parser.add_argument(
        "--params",
        default="",
        metavar="'NAME=VALUE …'",
        help="several of them in one text, split as a shell does: quote a value that contains spaces",
    )
    parser.add_argument("--format", choices=[*sorted(FORMATS), "parquet"], default="table")
    parser.add_argument("--out", type=Path, help="a file instead of stdout; parquet needs one")
    add_engine_options(parser)
    return parser


def _values(statement: Statement, arguments: argparse.Namespace) -> dict[str, str]:
    try:
        split = shlex.split(arguments.params)
    except ValueError as error:
        raise StatementError(f"--params is {arguments.params!r}: {error}; close the quote") from None
    values: dict[str, str] = {}
    for name, value in zip(("from", "to"), window_of(arguments), strict=True):
        if value is not None:
            values[name] = value
    for given in [*arguments.param, *split]:
        name, equals, value = given.partition("=")
        if not equals:
            raise StatementError(f"the parameter {given!r} is no NAME=VALUE; quote a value that contains spaces")
        if name in values:
            raise StatementError(f"{name} is given twice: {values[name]!r} and {value!r}; keep one")
        values[name] = value
    return values


def _statement(arguments: argparse.Namespace) -> Statement:
    if arguments.sql is not None:
        if arguments.query is not None:
            raise StatementError("give the name of a query or --sql, not both")
        text = sys.stdin.read() if arguments.sql == "-" else arguments.sql
        return free_statement(text, settings_of(arguments))
    if is_own_file(arguments.query):
        return free_file(Path(arguments.query), settings_of(arguments))
    return find_query(arguments.query)


def _run(arguments: argparse.Namespace) -> Result:
    statement = _statement(arguments)
    values = bind(statement, _values(statement, arguments))
    # SQL of the caller's own may read any partition.
    is_free = arguments.sql is not None or is_own_file(arguments.query)
    reach = EVERYTHING if is_free else reach_of_query(statement, values, settings_of(arguments))
    with open_engine(arguments, reach) as engine, shown(engine.progress):
        return loosened(engine.run(statement, values))


def _write(result: Result, arguments: argparse.Namespace) -> None:
    if arguments.format == "parquet":
        write_parquet(result, arguments.out)
    elif arguments.out is not None:
        arguments.out.write_text(FORMATS[arguments.format](result), encoding="utf-8")
    else:
        sys.stdout.write(FORMATS[arguments.format](result))


def main() -> int:
    """Exit status 0 with the answer, 2 with a reason on stderr if the query or its parameters are wrong, 1 for other
    faults.
    """
    arguments = _parser().parse_args()
    if arguments.query is None and arguments.sql is None:
        for path in query_files():
            statement = read_statement(path)
            print(f"{statement.name:<32}{statement.question}")
        return 0
    try:
        if arguments.format == "parquet" and arguments.out is None:
            raise StatementError("--format parquet needs --out FILE")
        _write(_run(arguments), arguments)
    except (StatementError, TranslationError) as error:
        print(f"bluetick_sql: {error}", file=sys.stderr)
        return 2
    except (LakeError, RuntimeError, OSError, duckdb.Error) as error:
        print(f"bluetick_sql: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
