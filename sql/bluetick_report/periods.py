"""The window of a report and the window of equal length right before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class Period:
    """Local days, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.last - self.first).days + 1

    def previous(self) -> Period:
        """The same number of days right before this period."""
        return Period(self.first - timedelta(days=self.days), self.first - timedelta(days=1))

    def values(self) -> dict[str, str]:
        """The parameters `from` and `to` of the queries."""
        return {"from": self.first.isoformat(), "to": self.last.isoformat()}
