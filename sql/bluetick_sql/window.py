"""The days that a command asks for: `--from` and `--to`, or `--last 7d` and `--last-month` before today."""

from __future__ import annotations

import argparse
import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from .statements import StatementError


def add_window_options(parser: argparse.ArgumentParser) -> None:
    """The options that `window_of` reads."""
    parser.add_argument("--from", dest="first", help="first local day, such as 2026-11-01")
    parser.add_argument("--to", dest="last", help="last local day, included")
    parser.add_argument(
        "--last", dest="recent", metavar="7d", help="whole days (7d) or weeks (4w) that ended yesterday"
    )
    parser.add_argument("--last-month", action="store_true", help="the calendar month before this one")


def window_of(arguments: argparse.Namespace, today: date | None = None) -> tuple[str | None, str | None]:
    """First and last day as `YYYY-MM-DD`, each None if not given.

    `today` is the present day in `--timezone`, unless a test gives one. Raises StatementError for an unknown zone, a
    span that is none, or two ways to say the days.
    """
    ways = [
        arguments.first is not None or arguments.last is not None,
        arguments.recent is not None,
        arguments.last_month,
    ]
    if sum(ways) > 1:
        raise StatementError("give the days once: --from and --to, or --last, or --last-month")
    if arguments.recent is None and not arguments.last_month:
        return arguments.first, arguments.last
    today = today or _today(arguments.timezone)
    if arguments.last_month:
        end = today.replace(day=1) - timedelta(days=1)
        return end.replace(day=1).isoformat(), end.isoformat()
    days = _days(arguments.recent)
    return (today - timedelta(days=days)).isoformat(), (today - timedelta(days=1)).isoformat()


def _days(span: str) -> int:
    found = re.fullmatch(r"([1-9]\d{0,3})([dw])", span.strip())
    if found is None:
        raise StatementError(f"--last is {span!r}: give days or weeks, such as 7d or 4w")
    return int(found[1]) * (7 if found[2] == "w" else 1)


def _today(timezone: str) -> date:
    try:
        return datetime.now(ZoneInfo(timezone)).date()
    except (KeyError, ValueError, OSError) as error:
        raise StatementError(f"{timezone!r} is no name of a time zone") from error
