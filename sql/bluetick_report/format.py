"""Cells as people read them. `page.js` formats the same kinds in the same way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from .sections import COUNT, DATE, NAME, PAYLOAD, RATE, SECONDS, TIME, WEEKDAY

NOTHING = "–"
NO_NAME, EMPTY_NAME = "(none)", "(empty)"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# A longer text is cut: a table of texts as long as a message would make the page too large to open.
LONGEST_TEXT = 500


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


def _leaves(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _leaves(part, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for part in value:
            yield from _leaves(part, path)
    elif value not in (None, ""):
        yield f"{path}: {value}" if path else str(value)


def payload(text: str) -> str:
    """JSON as `event: APPROVED · reason: …`, without what is empty. Other text stays as it is."""
    try:
        return " · ".join(_leaves(json.loads(text)))
    except (ValueError, RecursionError):
        return text


def cell(value: Any, kind: str) -> str:
    """A value of a query as text; null is an en dash."""
    if value is None:
        return NO_NAME if kind == NAME else NOTHING
    if value == "" and kind == NAME:
        return EMPTY_NAME
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
    if kind == WEEKDAY:
        return WEEKDAYS[int(value) - 1]
    text = payload(value) if kind == PAYLOAD else str(value)
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"
