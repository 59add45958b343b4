"""`python -m bluetick_report --from 2026-11-01 --to 2026-11-30 --lake DIR`: the report of a period, in one file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import duckdb

from bluetick_sql.duck import DuckEngine
from bluetick_sql.engines import add_engine_options, open_engine, settings_of
from bluetick_sql.lake import LakeError, is_remote
from bluetick_sql.reach import reach_of_days
from bluetick_sql.statements import StatementError, check_date
from bluetick_sql.window import add_window_options, window_of

from .cohort import DuckQueries
from .figures import Figures, collect, query_names
from .page import render
from .periods import Period
from .queries import Queries


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bluetick_report", description="Writes the report of a period as one file.")
    add_window_options(parser)
    parser.add_argument("--title", default="WhatsApp engagement", help="headline of the page")
    parser.add_argument(
        "--out", type=Path, help="the file; by default reports/FROM_TO.html in the lake's directory, else FROM_TO.html"
    )
    add_engine_options(parser)
    return parser


def _period(arguments: argparse.Namespace) -> Period:
    first, last = window_of(arguments)
    period = Period(check_date("from", first or ""), check_date("to", last or ""))
    if period.days < 1:
        raise StatementError(f"from ({period.first}) lies after to ({period.last}): give the first day first")
    return period


def _figures(arguments: argparse.Namespace, period: Period) -> Figures:
    asked = 0
    total = len(query_names())

    def progress(name: str) -> None:
        nonlocal asked
        asked += 1
        if sys.stderr.isatty():
            print(f"\r\033[K{min(asked, total)}/{total} {name}", end="", file=sys.stderr, flush=True)

    reach = reach_of_days(period.previous().first, period.last, settings_of(arguments))
    with open_engine(arguments, reach) as engine:
        queries = DuckQueries(engine, period) if isinstance(engine, DuckEngine) else Queries(engine)
        figures = collect(queries, settings_of(arguments), period, progress)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    return figures


def _path(arguments: argparse.Namespace, period: Period) -> Path:
    if arguments.out is not None:
        return arguments.out
    name = f"{period.first}_{period.last}.html"
    is_local = arguments.engine == "duckdb" and not is_remote(arguments.lake)
    return (Path(arguments.lake) / "reports" if is_local else Path()) / name


def main() -> int:
    """Prints the path of the report.

    Exit status 2 with a reason if a parameter is wrong, 1 if the figures cannot be had.
    """
    arguments = _parser().parse_args()
    try:
        period = _period(arguments)
        page = render(_figures(arguments, period), arguments.title)
    except StatementError as error:
        print(f"bluetick_report: {error}", file=sys.stderr)
        return 2
    except (LakeError, RuntimeError, duckdb.Error) as error:
        print(f"bluetick_report: {error}", file=sys.stderr)
        return 1
    path = _path(arguments, period)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
