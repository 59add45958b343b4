"""A lake full of edges, from a seed: to compare engines with each other, not with a truth."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from lake_writer import at, write_lake

Rows = dict[str, list[dict[str, Any]]]

_TEMPLATES = [None, "rsvp_invite", "travel_update", "größe", ""]
_CODES = [None, 131049, 131026, 130472, 470, 4, 250, 99999, 132001]
_BUTTONS = [None, [], ["yes", "no"], ["yes", "no", "later"], ["no", "no"]]
_KINDS = [
    "button_reply",
    "list_reply",
    "flow_reply",
    "quick_reply",
    "link_click",
    "landing_page_view",
    "payment_method",
]


def random_rows(seed: int, messages: int, start: datetime, days: int) -> Rows:
    """Rows of all tables: contradicting attributes, repeats, early and late clicks, equal times, nulls everywhere."""
    rng = random.Random(seed)
    rows: Rows = {"clicks": [], "statuses": [], "sends": [], "messages": [], "account_events": []}
    rows["rejections"] = [
        {
            "dt": (start + timedelta(days=number % days)).strftime("%Y-%m-%d"),
            "reason": ["not_json", "wrong_type", "größe"][number % 3],
            "source": f"raw/{number % 5}",
            "line_count": number,
        }
        for number in range(40)
    ]

    def maybe(value: Any, chance: float = 0.6) -> Any:
        return value if rng.random() < chance else None

    def after(moment: datetime, hours: float) -> datetime:
        if rng.random() < 0.1:  # exactly on an edge of a window
            return moment + timedelta(hours=rng.choice([72, 168]), milliseconds=rng.choice([0, 0, 1]))
        unit = rng.choice([1, 1000])
        return moment + timedelta(milliseconds=rng.randrange(int(hours * 3_600_000)) // unit * unit)

    for number in range(messages):
        message = f"wamid.{number:07d}"
        sent = start + timedelta(seconds=rng.randrange(days * 86400))
        if rng.random() < 0.1:  # exactly at midnight, in one zone or another
            sent = sent.replace(hour=rng.choice([0, 18]), minute=rng.choice([0, 30]), second=0)
        person = f"9198{rng.randrange(messages // 2 + 1):08d}"
        provider = rng.choice(["meta", "woosh", "interakt", "wasender", "tracker"])
        base = {"message_id": message, "provider": provider}
        told = {
            "wa_id": maybe(person),
            "user_id": maybe(f"IN.{person}", 0.2),
            "template_name": maybe(rng.choice(_TEMPLATES)),
            "campaign_id": maybe(f"c{rng.randrange(4)}", 0.3),
            "campaign_name": maybe(f"name {rng.randrange(3)}", 0.3),
            "callback_data": maybe(f"cb{rng.randrange(3)}", 0.2),
        }
        for status, chance in [
            ("sent", 0.8),
            ("delivered", 0.8),
            ("read", 0.5),
            ("played", 0.1),
            ("failed", 0.15),
            ("payment_captured", 0.05),
            ("warning", 0.03),
        ]:
            if rng.random() > chance:
                continue
            for repeat in range(2 if status == "delivered" and rng.random() < 0.2 else 1):
                hours = rng.choices([20, 200, 9000], [88, 10, 2])[0]
                moment = sent if status == "sent" else after(sent, hours)
                failed = {"error_code": rng.choice(_CODES), "error_title": maybe("title")} if status == "failed" else {}
                priced = {
                    "pricing_category": rng.choice(["marketing", "utility"]),
                    "pricing_type": maybe("regular"),
                    "billable": maybe(rng.random() < 0.5),
                }
                rows["statuses"].append(
                    {
                        **base,
                        **told,
                        **failed,
                        **(priced if status in ("sent", "delivered") and rng.random() < 0.7 else {}),
                        "status": status,
                        "event_ts": moment,
                        "participant": f"p{repeat}" if repeat else None,
                    }
                )
        if rng.random() < 0.5:
            event = maybe(f"event{rng.randrange(3)}")
            rows["sends"].append(
                {
                    "message_id": message,
                    "provider": "tracker",
                    "event_ts": sent + timedelta(milliseconds=rng.randrange(3000)),
                    "wa_id": person,
                    "template_name": maybe(rng.choice(_TEMPLATES)),
                    "event_id": event,
                    "standalone": maybe(event is None),
                    "event_registration_id": maybe(f"registration{rng.randrange(20)}"),
                    "guest_id": maybe(f"guest{rng.randrange(9)}"),
                    "guest_name": maybe("Ada"),
                    "message_type": maybe("rsvp"),
                    "flow_type": maybe("rsvp"),
                    "ticket_id": maybe(f"ticket{rng.randrange(30)}", 0.3),
                    "campaign_id": maybe(f"c{rng.randrange(4)}", 0.3),
                    "buttons": rng.choice(_BUTTONS),
                }
            )
        for number_of_click in range(rng.choice([0, 0, 0, 1, 1, 2, 4])):
            moment = after(sent, 90) - timedelta(seconds=rng.choice([0, 0, 0, 5]) if rng.random() < 0.1 else 0)
            if number_of_click and rng.random() < 0.3:
                moment = rows["clicks"][-1]["event_ts"]
            kind = rng.choice(_KINDS)
            rows["clicks"].append(
                {
                    "click_id": f"{message}.click{number_of_click}",
                    "message_id": maybe(message, 0.9) if rng.random() < 0.97 else "wamid.unknown",
                    "provider": provider,
                    "event_ts": moment,
                    "kind": kind,
                    "wa_id": maybe(person, 0.8),
                    "user_id": maybe(f"IN.{person}", 0.2),
                    "button_id": maybe(rng.choice(["yes", "no", "later", "other"]), 0.8),
                    "button_text": maybe("Label"),
                    "description": maybe("cta", 0.3),
                    "url": maybe("https://example.com/a", 0.3),
                    "flow_name": maybe("flow", 0.3),
                    "tracking_token": maybe(f"t{rng.randrange(50)}", 0.3),
                }
            )
        if rng.random() < 0.2:
            rows["messages"].append(
                {
                    "message_id": f"{message}.reply",
                    "provider": provider,
                    "event_ts": after(sent, 90),
                    "wa_id": maybe(person),
                    "type": rng.choice([None, "text", "reaction"]),
                    "context_message_id": maybe(message),
                    "unsupported_type": maybe(rng.choice(["button", "list", "poll_creation"]), 0.1),
                }
            )
        if rng.random() < 0.05:
            rows["account_events"].append(
                {
                    "event_id": f"{message}.preference",
                    "type": "user_preferences",
                    "event_ts": after(sent, 30),
                    "wa_id": person,
                    "category": "marketing_messages",
                    "preference": rng.choice(["stop", "resume", None]),
                }
            )
    return rows


def write_random_lake(root: Path, seed: int, messages: int) -> Path:
    """A random lake over twenty days in which New York changes its clocks.

    All of it lies in the past: projection ends at tomorrow.
    """
    return write_lake(root, random_rows(seed, messages, at("2025-03-01 00:00:00"), 20))
