"""A second small lake, for costs, links and campaigns: each rule of the rate card at its edge, and the figures.

Local time is that of Kolkata. The prices are those of `sql/rate_card.example.csv`: a marketing message to India costs
0.0125 USD from 11 November 2026 on, 00:00 in Kolkata, and 0.0118 before.
"""

from __future__ import annotations

from typing import Any

from bluetick_sql.statements import SQL_ROOT
from lake_writer import at

CARD = SQL_ROOT / "rate_card.example.csv"
_CAMPAIGNS = {"c1": "Diwali", "c2": "Islands", None: None}


def _sent(
    message: str, person: str | None, when: str, category: str, campaign: str | None = None, **more: Any
) -> list[dict[str, Any]]:
    base = {
        "message_id": message,
        "wa_id": person,
        "template_name": "offer" if category == "marketing" else "notice",
        "campaign_id": campaign,
        "campaign_name": _CAMPAIGNS[campaign],
        "event_ts": at(when),
        **more,
    }
    price = {"pricing_category": category, "pricing_type": "regular", "billable": more.get("billable", True)}
    return [{**base, "status": "sent", **price}, {**base, "status": "delivered"}]


def _opened(click: str, message: str, person: str, url: str) -> dict[str, Any]:
    return {
        "click_id": click,
        "message_id": message,
        "event_ts": at("2026-11-11 06:00:00"),
        "wa_id": person,
        "kind": "link_click",
        "button_text": "Shop",
        "url": f"https://shop.example/{url}",
    }


ROWS: dict[str, list[dict[str, Any]]] = {
    "statuses": [
        *_sent("A", "919800000001", "2026-11-10 10:00:00", "marketing", "c1"),
        # The last millisecond of the old price, and the first of the new one.
        *_sent("B", "919800000002", "2026-11-10 18:29:59.999", "marketing", "c1"),
        *_sent("C", "919800000003", "2026-11-10 18:30:00", "marketing", "c1"),
        # The longer code 4470 counts, not 44.
        *_sent("D", "447000000001", "2026-11-10 11:00:00", "marketing", "c2"),
        *_sent("E", "447100000001", "2026-11-10 11:00:00", "marketing", "c2"),
        # No price: France has none, a person without a number has no country, and Brazil's price begins in 2030.
        *_sent("F", "330000000001", "2026-11-10 11:00:00", "marketing", "c2"),
        *_sent("G", None, "2026-11-10 11:00:00", "marketing", user_id="IN.1"),
        *_sent("H", "551100000001", "2026-11-10 11:00:00", "marketing"),
        # Not charged: free, and not delivered.
        *_sent("I", "919800000004", "2026-11-10 11:00:00", "marketing", billable=False),
        *_sent("J", "919800000005", "2026-11-10 11:00:00", "marketing")[:1],
        *_sent("K", "919800000006", "2026-11-10 11:00:00", "utility"),
        # The price of all other countries.
        *_sent("L", "330000000002", "2026-11-10 11:00:00", "utility"),
    ],
    "clicks": [
        _opened("A1", "A", "919800000001", "lamps"),
        _opened("B1", "B", "919800000002", "sweets"),
        _opened("B2", "B", "919800000002", "sweets"),
    ],
}

_INDIA = 0.0361  # 0.0118 + 0.0118 + 0.0125
_ALL_OFFERS = 0.0965  # these and 0.0604
_NOTICES = 0.0091  # 0.0014 + 0.0077

EXPECTED: dict[str, tuple[dict[str, str], list[list[Any]]]] = {
    "cost_by_template": (
        {},
        [
            ["offer", "USD", 4, _ALL_OFFERS, 2, 3, _ALL_OFFERS / 4, _ALL_OFFERS / 3],
            ["offer", None, 3, None, 0, 0, None, None],
            ["notice", "USD", 2, _NOTICES, 0, 0, _NOTICES / 2, None],
            ["offer", "GBP", 1, 0.0529, 0, 0, 0.0529, None],
        ],
    ),
    "cost_by_campaign": (
        {},
        [
            ["c1", "Diwali", "USD", 3, _INDIA, 2, 3, _INDIA / 3, _INDIA / 3],
            [None, None, "USD", 2, _NOTICES, 0, 0, _NOTICES / 2, None],
            [None, None, None, 2, None, 0, 0, None, None],
            ["c2", "Islands", "GBP", 1, 0.0529, 0, 0, 0.0529, None],
            ["c2", "Islands", "USD", 1, 0.0604, 0, 0, 0.0604, None],
            ["c2", "Islands", None, 1, None, 0, 0, None, None],
        ],
    ),
    "cost_by_country": (
        {},
        [
            ["India", "marketing", "USD", 3, _INDIA, 2, 3, _INDIA / 3, _INDIA / 3],
            [None, "marketing", None, 3, None, 0, 0, None, None],
            ["India", "utility", "USD", 1, 0.0014, 0, 0, 0.0014, None],
            ["Jersey and Guernsey", "marketing", "USD", 1, 0.0604, 0, 0, 0.0604, None],
            ["Other", "utility", "USD", 1, 0.0077, 0, 0, 0.0077, None],
            ["United Kingdom, all other numbers", "marketing", "GBP", 1, 0.0529, 0, 0, 0.0529, None],
        ],
    ),
    # Nine offers were delivered: all but J.
    "link_ctr": ({}, [["offer", "Shop", 2, 9, 2, 3, 2, 2 / 9]]),
    # Wilson: 2 of 3 is 0.208 to 0.939, 0 of 3 is 0 to 0.562.
    "compare_campaigns": (
        {"campaigns": " c1, c2 "},
        [
            ["c1", 3, 3, 2, 2 / 3, 0.207655, 0.938510, 0.0, -0.533470, 0.533470],
            ["c2", 3, 3, 0, 0.0, 0.0, 0.561506, 2 / 3, -0.058579, 0.938510],
        ],
    ),
}
