"""Alerts for the business: each rule fires in its case, and is silent in the case beside it."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta

import pytest

from bluetick_sql.rows import Result
from bluetick_tasks import rules

NOW = datetime(2026, 11, 20, 12, 0)
TICKETS = ["ticket_id", "message_id", "lift", "state", "sent_at", "status"]


def tickets(*rows: tuple[str, str, int, str]) -> Result:
    """Rows as (ticket, state, minutes ago, status)."""
    return Result(
        TICKETS,
        [
            [ticket, f"m{number}", "B", state, NOW - timedelta(minutes=ago), status]
            for number, (ticket, state, ago, status) in enumerate(rows)
        ],
    )


def test_a_ticket_without_an_answer_is_told_after_its_minutes() -> None:
    [found] = rules.unanswered_tickets(tickets(("T1", "read", 45, "sent"), ("T1", "sent", 20, "sent")), NOW, 30)
    assert found.key == "ticket/T1"
    assert found.text == "Ticket T1, lift B: no answer for 45 minutes, sent 2026-11-20 11:15 UTC, now read."


@pytest.mark.parametrize(
    "rows",
    [
        [("T1", "read", 29, "sent")],
        [("T1", "read", 45, "responded")],
        # Another message of the ticket was answered.
        [("T1", "read", 45, "sent"), ("T1", "read", 40, "responded")],
        [("T1", "failed", 45, "expired")],
        [],
    ],
    ids=["too-soon", "answered", "answered-elsewhere", "expired", "none"],
)
def test_other_tickets_are_not_told(rows: list[tuple[str, str, int, str]]) -> None:
    assert rules.unanswered_tickets(tickets(*rows), NOW, 30) == []


def test_the_limit_of_a_ticket_is_included() -> None:
    assert rules.unanswered_tickets(tickets(("T1", "sent", 30, "sent")), NOW, 30)


def failures(sent: int, failed: int) -> Result:
    return Result(["sent_date", "sent", "failed"], [[date(2026, 11, 19), sent, failed]])


@pytest.mark.parametrize(
    ("sent", "failed", "told"), [(100, 11, True), (100, 10, False), (19, 19, False), (20, 3, True), (0, 0, False)]
)
def test_a_day_with_many_failures_is_told(sent: int, failed: int, told: bool) -> None:
    found = rules.failure_share(failures(sent, failed), 10)
    assert bool(found) == told
    if told and sent == 100:
        assert found[0].text.startswith("2026-11-19: 11 of 100 messages failed (11.0 %, limit 10 %).")


DAY = date(2026, 11, 16)


def days(clicked: int, delivered: int = 1000, known: int = 28, usual: int = 200) -> Result:
    """`known` days with a CTR around `usual` per 1000, and then the day in question."""
    before = [[DAY - timedelta(days=number + 1), 1000, usual + 10 * (number % 3 - 1)] for number in range(known)]
    return Result(["sent_date", "delivered", "clicked"], [*before, [DAY, delivered, clicked]])


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (days(120), True),
        (days(185), False),
        (days(300), False),
        # 2 of 20 is half of the usual, and chance explains it.
        (days(2, delivered=20), False),
        (days(0, delivered=19), False),
        (days(120, known=13), False),
        (days(120, known=14), True),
        (days(0, usual=30), True),
        (Result(["sent_date", "delivered", "clicked"], []), False),
    ],
    ids=["low", "in-band", "high", "chance", "few", "13-days", "14-days", "none-clicked", "no-data"],
)
def test_a_day_below_the_band_is_told(answer: Result, told: bool) -> None:
    found = rules.ctr_below_band(answer, DAY)
    assert [finding.key for finding in found] == (["ctr/2026-11-16"] if told else [])


def test_days_before_the_four_weeks_and_after_the_day_are_not_in_the_band() -> None:
    usual = days(120)
    far = [[DAY - timedelta(days=29 + number), 1000, 1] for number in range(60)]
    later = [[DAY + timedelta(days=1 + number), 1000, 1] for number in range(3)]
    assert rules.ctr_below_band(Result(usual.columns, [*far, *usual.rows, *later]), DAY)


def test_the_day_asked_for_is_one_that_gets_no_more_clicks() -> None:
    assert rules.last_complete_day(date(2026, 11, 20), 72) == date(2026, 11, 16)
    assert rules.last_complete_day(date(2026, 11, 20), 1) == date(2026, 11, 18)


def event(kind: str, payload: object) -> Result:
    text = payload if isinstance(payload, str) or payload is None else json.dumps(payload)
    columns = ["happened_at", "provider", "account_id", "phone_number_id", "type", "payload"]
    return Result(columns, [[datetime(2026, 11, 20, 9, 30), "meta", "1", "55", kind, text]])


@pytest.mark.parametrize(
    ("kind", "payload", "said"),
    [
        (
            "phone_number_quality_update",
            {"event": "DOWNGRADE", "current_limit": "TIER_1K"},
            "quality of the number fell: DOWNGRADE, limit now TIER_1K",
        ),
        ("phone_number_quality_update", {"event": "FLAGGED"}, "quality of the number fell: FLAGGED"),
        (
            "message_template_status_update",
            {"event": "PAUSED", "message_template_name": "promo", "reason": "NONE"},
            "template promo: PAUSED",
        ),
        # A relay nests the value.
        (
            "message_template_status_update",
            {"data": {"value": {"event": "rejected", "message_template_name": "promo", "reason": "SPAM"}}},
            "template promo: REJECTED, reason SPAM",
        ),
        (
            "message_template_quality_update",
            {"previous_quality_score": "GREEN", "new_quality_score": "YELLOW", "message_template_name": "promo"},
            "quality of template promo fell from GREEN to YELLOW",
        ),
        ("phone_number_quality_update", {"event": "UPGRADE", "current_limit": "TIER_10K"}, None),
        ("phone_number_quality_update", {"event": "UNFLAGGED"}, None),
        ("message_template_status_update", {"event": "APPROVED", "message_template_name": "promo"}, None),
        (
            "message_template_quality_update",
            {"previous_quality_score": "RED", "new_quality_score": "YELLOW"},
            None,
        ),
        ("message_template_quality_update", {"new_quality_score": "UNKNOWN"}, None),
        ("account_update", {"event": "PAUSED"}, None),
        ("phone_number_quality_update", "no JSON", None),
        ("phone_number_quality_update", [[{"event": 5}]], None),
        ("phone_number_quality_update", None, None),
    ],
)
def test_numbers_and_templates_that_got_worse_are_told(kind: str, payload: object, said: str | None) -> None:
    found = rules.account_events(event(kind, payload))
    assert [finding.text for finding in found] == (
        [] if said is None else [f"2026-11-20 09:30 UTC, meta of number 55: {said}."]
    )
