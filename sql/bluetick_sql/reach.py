"""Which partitions a query of `sql/queries` can read, so that no other file is opened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from .statements import OPTIONAL_DATES, Settings, Statement

# docs/metrics.md, part 5: 33 days for messages of clicks in the window, and 31 more to recognise that a message was
# sent before; a test compares this with the partitions that each query names.
_DAYS_BEFORE = 64
# A day for the time zone and one for clocks that differ.
_MARGIN_AFTER = 2
_STATUS_HOURS = 168


@dataclass(frozen=True)
class Reach:
    """UTC dates, both included, as the names of partitions have them; None for no limit."""

    first: str | None = None
    last: str | None = None

    def holds(self, dt: str) -> bool:
        """Whether the partition of this date may be read. A name that is no date sorts somewhere and does no harm."""
        return (self.first is None or self.first <= dt) and (self.last is None or dt <= self.last)


EVERYTHING = Reach()


def reach_of_days(first: date, last: date, settings: Settings) -> Reach:
    """What the queries of a report on these local days can read."""
    after = -(-max(_STATUS_HOURS, settings.attribution_hours) // 24) + _MARGIN_AFTER
    return Reach(
        _moved(first, -_DAYS_BEFORE),
        _moved(last, after),
    )


def reach_of_query(statement: Statement, values: list[str], settings: Settings) -> Reach:
    """What a query of `sql/queries` with these values can read; everything if it has no days.

    A look-up takes statuses and clicks of any later age.
    """
    given = dict(zip(statement.parameters, values, strict=True))
    first, last = given.get("from", ""), given.get("to", "")
    if not first or not last:
        return EVERYTHING
    found = reach_of_days(date.fromisoformat(first), date.fromisoformat(last), settings)
    return Reach(found.first, None) if statement.name in OPTIONAL_DATES else found


def _moved(day: date, days: int) -> str | None:
    try:
        return (day + timedelta(days=days)).isoformat()
    except OverflowError:
        return None
