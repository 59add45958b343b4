"""The rate card: what a message costs, from a CSV file that the customer fills in (`sql/rate_card.csv`).

The file becomes the view `rate_card`, so a wrong line is refused when the view is made, not when a report is read.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from .errors import StatementError

_COLUMNS = ["calling_code", "country", "pricing_category", "price", "currency", "valid_from"]
# What each column takes, and how to say so.
_RULES = {
    "calling_code": (r"[1-9]\d{0,7}|", "digits such as 91, or nothing for all other countries"),
    "country": (r"[^\x00-\x1f]{1,80}", "a name of at most 80 characters"),
    "pricing_category": (r"[a-z_]{1,40}", "a category in lower-case letters, such as marketing"),
    "price": (r"\d{1,12}(\.\d{1,6})?", "an amount such as 0.0099, with at most 6 decimals"),
    "currency": (r"[A-Z]{3}", "three capital letters, such as USD"),
}


@dataclass(frozen=True)
class Price:
    """The price of a delivered message to the numbers that begin with `calling_code`, from a local day on."""

    calling_code: str
    country: str
    pricing_category: str
    price: Decimal
    currency: str
    valid_from: date


def read_rate_card(path: Path) -> list[Price]:
    """The prices of a file. Raises StatementError, which names the line and what its column takes."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines, strict=True)
            if rows.fieldnames != _COLUMNS:
                raise StatementError(f"{path}, line 1: the columns are {rows.fieldnames}; give {','.join(_COLUMNS)}")
            prices = [_price(row, f"{path}, line {rows.line_num}") for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StatementError(f"{path} cannot be read as a rate card: {error}") from None
    seen: set[tuple[str, str, date]] = set()
    for price in prices:
        key = (price.calling_code, price.pricing_category, price.valid_from)
        if key in seen:
            code = price.calling_code or "all other countries"
            raise StatementError(
                f"{path}: two prices of {price.pricing_category} to {code} from {price.valid_from}: keep one"
            )
        seen.add(key)
    return prices


def _price(row: dict[str, str], place: str) -> Price:
    if None in row or None in row.values():
        raise StatementError(f"{place}: give {len(_COLUMNS)} fields, one for each column of line 1")
    row = {name: value.strip() for name, value in row.items()}
    for name, (pattern, takes) in _RULES.items():
        if not re.fullmatch(pattern, row[name], re.ASCII if name != "country" else 0):
            raise StatementError(f"{place}: {name} is {row[name]!r}: give {takes}")
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", row["valid_from"], re.ASCII):
            raise ValueError
        valid_from = date.fromisoformat(row["valid_from"])
    except ValueError:
        raise StatementError(f"{place}: valid_from is {row['valid_from']!r}: give a date such as 2026-01-01") from None
    return Price(
        row["calling_code"], row["country"], row["pricing_category"], Decimal(row["price"]), row["currency"], valid_from
    )


def values_of(prices: list[Price]) -> str:
    """The rows of a VALUES. One row of nulls stands for an empty card, because VALUES needs a row."""
    if not prices:
        return "(" + ", ".join(["CAST(NULL AS varchar)"] * len(_COLUMNS)) + ")"

    def row(price: Price) -> str:
        cells = (getattr(price, name) for name in _COLUMNS)
        return "(" + ", ".join("'" + str(cell).replace("'", "''") + "'" for cell in cells) + ")"

    return ",\n    ".join(row(price) for price in prices)
