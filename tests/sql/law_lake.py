"""Random statements of several sources about the same messages: late, repeated, poorer and richer, corrected, contradicting.

What the laws of docs/metrics.md are tested on. Nothing that breaks them is left out: receipts and failures up to 60 days late,
sends repeated weeks later, the application's forwards of statuses, bare and full sends, one click told by two sources.
"""

# ruff: noqa: E501 (lines of SQL and of table rows)

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from lake_writer import at

Statement = tuple[str, dict[str, Any]]
Rows = dict[str, list[dict[str, Any]]]

START = at("2025-03-01 00:00:00")
DAYS = 60
WINDOW = {"from": "2025-03-01", "to": "2025-04-29"}
# Midnight of the day on which New York's clocks go forward, the moment when they do, and the midnight after, each with the moment before.
_CLOCKS_GO_FORWARD = [
    "2025-03-09 04:59:59.999",
    "2025-03-09 05:00:00",
    "2025-03-09 06:59:59.999",
    "2025-03-09 07:00:00",
    "2025-03-10 03:59:59.999",
    "2025-03-10 04:00:00",
]
_RECEIPTS = {"delivered", "read", "played", "deleted"}


def _late(rng: random.Random) -> timedelta:
    """Mostly minutes; sometimes about the horizons of 72, 168 and 744 hours; sometimes weeks."""
    kind = rng.random()
    if kind < 0.6:
        return timedelta(seconds=rng.randrange(1, 40_000))
    if kind < 0.75:
        return timedelta(hours=rng.choice([72, 168, 720, 744]), milliseconds=rng.choice([-1, 0, 1]))
    return timedelta(seconds=rng.randrange(5 * 86_400, 60 * 86_400))


def statements(seed: int, messages: int) -> list[Statement]:
    """Rows with the name of their table, in an order of no meaning; all of them different."""
    rng = random.Random(seed)
    found: list[Statement] = []

    def maybe(value: Any, chance: float = 0.6) -> Any:
        return value if rng.random() < chance else None

    def status(message: str, name: str, when: datetime, person: str, **more: Any) -> None:
        base = {"message_id": message, "status": name, "event_ts": when}
        provider = rng.choice(["meta", "woosh"])
        rich = {
            "provider": provider,
            "wa_id": person,
            "user_id": maybe(f"IN.{person}", 0.3),
            "account_id": "waba",
            "phone_number_id": f"n{len(message) % 2}",
        }
        tellings = [
            {**base, **rich, **more},
            {
                **base,
                "provider": "tracker",
                "wa_id": person,
                **({"error_code": more["error_code"]} if rng.random() < 0.5 and "error_code" in more else {}),
            },
        ]
        for telling in tellings if rng.random() < 0.4 else [rng.choice(tellings)]:
            found.append(("statuses", telling))

    for number in range(messages):
        message = f"wamid.{seed}.{number:05d}"
        person = f"9198{rng.randrange(messages):08d}"
        sent = START + timedelta(seconds=rng.randrange(DAYS * 86_400))
        if number < len(_CLOCKS_GO_FORWARD):
            sent = at(_CLOCKS_GO_FORWARD[number])
        elif rng.random() < 0.2:
            sent = sent.replace(hour=rng.choice([0, 18, 23]), minute=rng.choice([0, 29, 30, 59]), second=0)
        if rng.random() < 0.8:
            status(
                message,
                "sent",
                sent,
                person,
                pricing_category="marketing",
                pricing_type="regular",
                billable=rng.random() < 0.8,
            )
        if rng.random() < 0.6:
            buttons = rng.choice([None, [], ["yes", "no"], ["only"]])
            bare = {"message_id": message, "event_ts": sent, "provider": "tracker", "wa_id": person}
            full = {
                **bare,
                "template_name": maybe(f"t{rng.randrange(3)}"),
                "ticket_id": maybe(f"T{rng.randrange(9)}"),
                "campaign_id": maybe("c1"),
                "template_language": "de" if number % 2 else None,
                "buttons": buttons,
                "standalone": maybe(True),
            }
            corrected = {
                **full,
                "template_name": "corrected",
                "updated_at": sent + timedelta(seconds=rng.randrange(999)),
            }
            again = {**corrected, "template_name": "twice", "updated_at": corrected["updated_at"] + timedelta(hours=1)}
            tellings = [
                [bare],
                [full],
                [bare, full],
                [full, {**full, "template_name": "other"}],
                [full, corrected],
                [again, bare, corrected],
            ]
            for row in rng.choice(tellings):
                found.append(("sends", row))
        if rng.random() < 0.1:  # repeated without a time, days or weeks later
            found.append(
                (
                    "sends",
                    {"message_id": message, "event_ts": sent + _late(rng), "provider": "tracker", "wa_id": person},
                )
            )
        for name, chance in [
            ("delivered", 0.7),
            ("read", 0.5),
            ("played", 0.05),
            ("failed", 0.2),
            ("deleted", 0.05),
            ("payment_captured", 0.05),
        ]:
            if rng.random() < chance:
                error = (
                    {
                        "error_code": rng.choice([131049, 131026, 470]),
                        "error_title": maybe("title"),
                        "error_message": maybe("reason"),
                    }
                    if name == "failed"
                    else {}
                )
                status(message, name, sent + _late(rng), person, **error)
        for tap in range(rng.choice([0, 0, 1, 1, 2])):
            when = sent + (_late(rng) if rng.random() < 0.9 else -timedelta(minutes=rng.randrange(2000)))
            click = {
                "click_id": f"{message}.c{tap}",
                "message_id": maybe(message, 0.9),
                "event_ts": when,
                "kind": rng.choice(["button_reply", "flow_reply", "landing_page_view"]),
                "wa_id": person,
                "button_id": maybe(rng.choice(["yes", "no"])),
                "button_text": "Yes",
            }
            for provider in rng.choice([["meta"], ["woosh"], ["meta", "woosh"]]):
                found.append(("clicks", {**click, "provider": provider, "user_id": maybe(f"IN.{person}", 0.3)}))
        if rng.random() < 0.15:
            found.append(
                (
                    "messages",
                    {
                        "message_id": f"{message}.r",
                        "provider": "meta",
                        "event_ts": sent + _late(rng),
                        "wa_id": person,
                        "type": rng.choice(["text", "reaction"]),
                        "context_message_id": maybe(message, 0.9),
                    },
                )
            )
    unique = {repr((table, sorted(row.items(), key=lambda item: item[0]))): (table, row) for table, row in found}
    return list(unique.values())


def by_table(found: list[Statement]) -> Rows:
    """The rows of each table, in the order of the statements."""
    rows: Rows = {
        "clicks": [],
        "statuses": [],
        "sends": [],
        "messages": [],
        "account_events": [],
    }
    for table, row in found:
        rows[table].append(row)
    return rows


def shuffled(found: list[Statement]) -> list[Statement]:
    """The same statements in another order."""
    return random.Random(7).sample(found, len(found))


def _groups(rows: list[dict[str, Any]], *columns: str) -> list[list[dict[str, Any]]]:
    groups: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[column] for column in columns), []).append(row)
    return list(groups.values())


def cases(found: list[Statement]) -> dict[str, int]:
    """How often the statements hold each case that breaks a law if the definitions are wrong."""
    rows = by_table(found)
    first_sent: dict[str, datetime] = {}
    for row in [*rows["sends"], *(row for row in rows["statuses"] if row["status"] == "sent")]:
        first_sent[row["message_id"]] = min(row["event_ts"], first_sent.get(row["message_id"], row["event_ts"]))
    ages = [
        row["event_ts"] - first_sent[row["message_id"]]
        for row in rows["statuses"]
        if row["status"] in _RECEIPTS and row["message_id"] in first_sent
    ]
    sends = _groups(rows["sends"], "message_id")
    days_with_sends = {time.date() for time in first_sent.values()}
    days_with_receipts = {row["event_ts"].date() for row in rows["statuses"] if row["status"] in _RECEIPTS}
    return {
        "receipts later than the horizon of 168 hours": sum(age > timedelta(hours=168) for age in ages),
        "receipts later than 30 days": sum(age > timedelta(days=30) for age in ages),
        "receipts of messages without an origin": sum(
            row["status"] in _RECEIPTS and row["message_id"] not in first_sent for row in rows["statuses"]
        ),
        "statuses told by two sources": sum(
            len({row["provider"] for row in group}) > 1
            for group in _groups(rows["statuses"], "message_id", "status", "event_ts")
        ),
        "clicks told by two sources": sum(len(group) > 1 for group in _groups(rows["clicks"], "click_id", "event_ts")),
        "bare and full sends": sum(len({row.get("buttons") is None for row in group}) > 1 for group in sends),
        "corrections with their own time": sum(len({row.get("updated_at") for row in group}) > 1 for group in sends),
        "corrections without a time": sum(
            len({row.get("template_name") for row in group if "updated_at" not in row}) > 1 for group in sends
        ),
        "sends repeated more than a week later": sum(
            row["event_ts"] - first_sent[row["message_id"]] > timedelta(days=7) for row in rows["sends"]
        ),
        "days without sends": sum((START + timedelta(days=day)).date() not in days_with_sends for day in range(DAYS)),
        "days with receipts but without sends": len(days_with_receipts - days_with_sends),
    }
