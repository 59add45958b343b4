"""Asks the queries that the report shows, for the period and for the period before."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bluetick_sql.rows import Result
from bluetick_sql.statements import Settings

from .periods import Period
from .queries import CUBE, Queries
from .sections import SECTIONS

TOTALS = ("ctr_total", "funnel_daily")


@dataclass(frozen=True)
class Figures:
    """All figures of a report: the results by the name of their query, and the totals of the period before."""

    period: Period
    previous: Period
    settings: Settings
    results: dict[str, Result]
    before: dict[str, Result]
    cube: Result


def query_names() -> list[str]:
    """Every query that a report asks for its period."""
    return list(dict.fromkeys([*TOTALS, *(section.query for section in SECTIONS), CUBE]))


def collect(queries: Queries, settings: Settings, period: Period, progress: Callable[[str], None]) -> Figures:
    """Asks all queries. `progress` hears the name of each query before it runs."""

    def ask(names: Iterable[str], asked: Period) -> dict[str, Result]:
        results = {}
        for name in names:
            progress(name)
            results[name] = queries.ask(name, asked)
        return results

    results = ask(query_names(), period)
    before = ask(TOTALS, period.previous())
    cube = results.pop(CUBE)
    return Figures(period, period.previous(), settings, results, before, cube)
