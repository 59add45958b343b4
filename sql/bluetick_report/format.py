"""Cells as people read them. `page.js` formats the same kinds in the same way."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from .sections import COUNT, DATE, NAME, RATE, SECONDS, TIME

NOTHING = "–"
NO_NAME = "(none)"


def duration(seconds: float) -> str:
    """Seconds as `4.2 s`, `3 min 10 s`, `5 h 02 min` or `2 d 03 h`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = int(seconds + 0.5)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600:02d} h"


def cell(value: Any, kind: str) -> str:
    """A value of a query as text; null is an en dash."""
    if value is None:
        return NO_NAME if kind == NAME else NOTHING
    if kind == COUNT:
        return f"{int(value):,}"
    if kind == RATE:
        return f"{value * 100:.1f} %"
    if kind == SECONDS:
        return duration(float(value))
    if kind == TIME and isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if kind == DATE and isinstance(value, date):
        return value.isoformat()
    return str(value)
