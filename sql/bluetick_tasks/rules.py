"""When the business is told, and in which words: each rule turns the answer of a query into findings."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from bluetick_report.intervals import wilson
from bluetick_sql.rows import Result

# Below these numbers a share says nothing: one failure of three messages is no trend.
LEAST_SENT = 20
LEAST_DELIVERED = 20
LEAST_DAYS = 14
BAND_DAYS = 28
# Meta's events of message_template_status_update after which a template is not sent, or soon will not be
# (developers.facebook.com, Cloud API, webhooks, message_template_status_update).
_TEMPLATE_EVENTS = {"PAUSED", "DISABLED", "FLAGGED", "LOCKED", "REJECTED"}
_NUMBER_EVENTS = {"FLAGGED", "DOWNGRADE"}
_QUALITY = {"RED": 0, "YELLOW": 1, "GREEN": 2}


@dataclass(frozen=True)
class Finding:
    """One thing to tell. `key` stays the same while the finding lasts, so that it is told once."""

    key: str
    text: str


def _rows(result: Result) -> Iterable[dict[str, Any]]:
    return (dict(zip(result.columns, row, strict=True)) for row in result.rows)


def unanswered_tickets(tickets: Result, now: datetime, minutes: int) -> list[Finding]:
    """Tickets of the query `tickets` of which no message was answered, `minutes` after the first one was sent.

    `now` is UTC without a zone, as the times of results. A ticket whose messages all failed, were deleted or are older
    than the attribution window is left out: nobody can answer them in the chat any more.
    """
    by_ticket: dict[str, list[dict[str, Any]]] = {}
    for row in _rows(tickets):
        by_ticket.setdefault(row["ticket_id"], []).append(row)
    found = []
    for ticket, messages in by_ticket.items():
        waiting = [row for row in messages if row["status"] == "sent" and row["sent_at"] is not None]
        if not waiting or any(row["status"] == "responded" for row in messages):
            continue
        first = min(waiting, key=lambda row: row["sent_at"])
        waited = int((now - first["sent_at"]).total_seconds() // 60)
        if waited >= minutes:
            lift = f", lift {first['lift']}" if first.get("lift") else ""
            sent = f"{first['sent_at']:%Y-%m-%d %H:%M} UTC"
            text = f"Ticket {ticket}{lift}: no answer for {waited} minutes, sent {sent}, now {first['state']}."
            found.append(Finding(f"ticket/{ticket}", text))
    return found


def failure_share(days: Result, percent: float) -> list[Finding]:
    """Days of the query `funnel_daily` on which more than `percent` of at least 20 messages failed."""
    found = []
    for row in _rows(days):
        if row["sent"] < LEAST_SENT or row["failed"] * 100 <= percent * row["sent"]:
            continue
        share = 100 * row["failed"] / row["sent"]
        text = (
            f"{row['sent_date']}: {row['failed']} of {row['sent']} messages failed "
            f"({share:.1f} %, limit {percent:g} %). The query failures says why."
        )
        found.append(Finding(f"failures/{row['sent_date']}", text))
    return found


def last_complete_day(today: date, attribution_hours: int) -> date:
    """The newest local day whose messages can get no further click in the attribution window."""
    return today - timedelta(days=1 + -(-attribution_hours // 24))


def ctr_below_band(days: Result, day: date) -> list[Finding]:
    """`day`, if its CTR lies below what the four weeks before it explain.

    `days` is the answer of `ctr_daily`. The band's lower edge is the tenth percentile (nearest rank) of the CTR of the
    days before with at least 20 delivered messages, of which at least 14 must be known. The day lies below it if the
    upper end of its Wilson interval at 95 % does: few messages are no alert.
    """
    by_day = {row["sent_date"]: row for row in _rows(days) if row["delivered"] >= LEAST_DELIVERED}
    asked = by_day.get(day)
    before = sorted(
        row["clicked"] / row["delivered"]
        for other, row in by_day.items()
        if day - timedelta(days=BAND_DAYS) <= other < day
    )
    if asked is None or len(before) < LEAST_DAYS:
        return []
    edge = before[-(-len(before) // 10) - 1]
    interval = wilson(asked["clicked"], asked["delivered"])
    if interval is None or interval[1] >= edge:
        return []
    ctr = asked["clicked"] / asked["delivered"]
    text = (
        f"{day}: CTR {100 * ctr:.1f} % of {asked['delivered']} delivered messages, at most {100 * interval[1]:.1f} % "
        f"within chance; nine of ten days of the four weeks before had at least {100 * edge:.1f} %."
    )
    return [Finding(f"ctr/{day}", text)]


def account_events(events: Result) -> list[Finding]:
    """Rows of `template_and_number_events` that say that a number or a template got worse."""
    found = []
    for row in _rows(events):
        said = _worse(row["type"], _payload(row["payload"]))
        if said is None:
            continue
        number = f" of number {row['phone_number_id']}" if row["phone_number_id"] else ""
        text = f"{row['happened_at']:%Y-%m-%d %H:%M} UTC, {row['provider']}{number}: {said}."
        found.append(Finding(f"account/{row['happened_at'].isoformat()}/{row['type']}/{said}", text))
    return found


def _worse(kind: str, payload: dict[str, str]) -> str | None:
    event = payload.get("event", "").upper()
    template = payload.get("message_template_name", "(no name)")
    if kind == "phone_number_quality_update" and event in _NUMBER_EVENTS:
        limit = f", limit now {payload['current_limit']}" if "current_limit" in payload else ""
        return f"quality of the number fell: {event}{limit}"
    if kind == "message_template_status_update" and event in _TEMPLATE_EVENTS:
        reason = f", reason {payload['reason']}" if payload.get("reason", "NONE").upper() != "NONE" else ""
        return f"template {template}: {event}{reason}"
    if kind == "message_template_quality_update":
        old, new = (payload.get(name, "").upper() for name in ("previous_quality_score", "new_quality_score"))
        if new in _QUALITY and _QUALITY[new] < _QUALITY.get(old, _QUALITY["GREEN"]):
            return f"quality of template {template} fell from {old or 'unknown'} to {new}"
    return None


def _payload(text: str | None) -> dict[str, str]:
    """The texts of a payload by their name, wherever a provider nests them; the outermost of a name counts."""
    found: dict[str, str] = {}
    try:
        level = [json.loads(text or "{}")]
    except (ValueError, RecursionError):
        return found
    while level:
        inner: list[Any] = []
        for part in level:
            if isinstance(part, dict):
                for name, value in part.items():
                    if isinstance(value, (dict, list)):
                        inner.append(value)
                    elif value is not None:
                        found.setdefault(name, str(value))
            elif isinstance(part, list):
                inner.extend(part)
        level = inner
    return found
