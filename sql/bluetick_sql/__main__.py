"""`python -m bluetick_sql ctr_by_button --from 2026-11-01 --to 2026-11-20`: one query, its answer on stdout."""

from __future__ import annotations

import argparse
import shlex
import sys

import duckdb

from .engines import add_engine_options, open_engine
from .lake import LakeError
from .rows import Result, as_csv, as_json, as_table
from .statements import Statement, StatementError, bind, find_query, query_files, read_statement

FORMATS = {"table": as_table, "csv": as_csv, "json": lambda result: as_json(result) + "\n"}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bluetick_sql", description="Runs a query of sql/queries as it stands.")
    parser.add_argument("query", nargs="?", help="its name; without one, the names and their questions are listed")
    parser.add_argument("--from", dest="first", help="first local day, such as 2026-11-01")
    parser.add_argument("--to", dest="last", help="last local day, included")
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
    parser.add_argument("--format", choices=sorted(FORMATS), default="table")
    add_engine_options(parser)
    return parser


def _values(statement: Statement, arguments: argparse.Namespace) -> dict[str, str]:
    try:
        split = shlex.split(arguments.params)
    except ValueError as error:
        raise StatementError(f"--params is {arguments.params!r}: {error}; close the quote") from None
    values: dict[str, str] = {}
    for name, value in (("from", arguments.first), ("to", arguments.last)):
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


def _run(arguments: argparse.Namespace) -> Result:
    statement = find_query(arguments.query)
    values = bind(statement, _values(statement, arguments))
    with open_engine(arguments) as engine:
        return engine.run(statement, values)


def main() -> int:
    """Exit status 0 with the answer, 2 with a reason on stderr if the query or its parameters are wrong, 1 for other
    faults.
    """
    arguments = _parser().parse_args()
    if arguments.query is None:
        for path in query_files():
            statement = read_statement(path)
            print(f"{statement.name:<32}{statement.question}")
        return 0
    try:
        result = _run(arguments)
    except StatementError as error:
        print(f"bluetick_sql: {error}", file=sys.stderr)
        return 2
    except (LakeError, RuntimeError, duckdb.Error) as error:
        print(f"bluetick_sql: {error}", file=sys.stderr)
        return 1
    sys.stdout.write(FORMATS[arguments.format](result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
