"""The laws of docs/metrics.md on random lakes: no figure depends on the window asked, nor on the order of arrival.

`BLUETICK_LAKES` sets how many lakes are tried; `make test-laws` takes 200.
`tests/athena/test_laws_on_trino.py` asks Trino the same.
"""

from __future__ import annotations

import os
import random
from datetime import timedelta
from typing import Any

import pytest

from bluetick_sql.statements import Settings, bind, find_query
from lake_writer import at
from law_lake import by_table, cases, shuffled, statements
from laws import (
    CARD,
    CHANGED_BY_FIRST_KEPT,
    DEPENDS_ON_THE_WINDOW,
    PRICES_DEPEND_ON_THE_WINDOW,
    answers,
    changed_definition,
    first_kept,
    names_for,
    not_additive,
    sent_by_day,
    settings_of,
    true_sent_by_day,
)
from memory_lake import engine_of

LAKES = int(os.environ.get("BLUETICK_LAKES", "1"))
MESSAGES = 100


@pytest.mark.parametrize("seed", range(LAKES))
def test_sums_over_a_split_equal_the_whole(seed: int) -> None:
    zone, hours = settings_of(seed)
    found = by_table(statements(seed, MESSAGES))
    with engine_of(found, Settings(timezone=zone, attribution_hours=hours, rate_card=CARD)) as engine:
        assert not_additive(engine, random.Random(seed), {}) == []
        assert sent_by_day(engine) == true_sent_by_day(found, zone)


@pytest.mark.parametrize("name", DEPENDS_ON_THE_WINDOW | PRICES_DEPEND_ON_THE_WINDOW)
def test_a_definition_that_depends_on_the_window_is_noticed(name: str) -> None:
    found = by_table(statements(1, 4 * MESSAGES))
    with engine_of(found, Settings(rate_card=CARD)) as engine:
        assert not_additive(engine, random.Random(1), changed_definition(name)) != []


def test_a_month_with_late_receipts_is_the_sum_of_its_weeks_and_days() -> None:
    """1,200 messages of September, 5 % delivered and 6 % read 9 to 25 days late. Nothing is sent in October."""
    rng = random.Random(1)
    rows: list[dict[str, Any]] = []
    for number in range(1200):
        sent = at("2025-09-01 00:00:00") + timedelta(seconds=rng.randrange(28 * 86_400))
        late = timedelta(days=rng.randrange(9, 25))
        base = {"message_id": f"m{number}", "wa_id": f"p{number}"}
        rows.append({**base, "status": "sent", "event_ts": sent})
        if rng.random() < 0.8:
            rows.append(
                {
                    **base,
                    "status": "delivered",
                    "event_ts": sent + (late if rng.random() < 0.05 else timedelta(seconds=9)),
                }
            )
        if rng.random() < 0.5:
            rows.append(
                {**base, "status": "read", "event_ts": sent + (late if rng.random() < 0.06 else timedelta(seconds=99))}
            )
    statement = find_query("funnel_by_provider")
    with engine_of({"statuses": rows}, Settings()) as engine:

        def funnel(first: str, last: str) -> list[int]:
            answer = engine.run(statement, bind(statement, {"from": first, "to": last})).rows
            return [sum(row[column] for row in answer) for column in range(1, 8)]

        month = funnel("2025-09-01", "2025-09-30")
        weeks = [funnel(f"2025-09-{day:02d}", f"2025-09-{min(day + 6, 30):02d}") for day in range(1, 31, 7)]
        days = [funnel(f"2025-09-{day:02d}", f"2025-09-{day:02d}") for day in range(1, 31)]
        assert month[0] == 1200
        assert (
            month
            == [sum(column) for column in zip(*weeks, strict=True)]
            == [sum(column) for column in zip(*days, strict=True)]
        )
        assert funnel("2025-10-01", "2025-10-31") == [0] * 7


@pytest.mark.parametrize("seed", range(LAKES))
def test_the_order_of_statements_changes_nothing(seed: int) -> None:
    zone, hours = settings_of(seed)
    settings = Settings(timezone=zone, attribution_hours=hours, rate_card=CARD)
    found = statements(seed, MESSAGES)
    with engine_of(by_table(found), settings) as straight, engine_of(by_table(shuffled(found)), settings) as other:
        expected = answers(straight, seed, names_for(seed))
        assert expected == answers(other, seed, names_for(seed))
    assert sum(map(bool, expected.values())) > len(expected) / 2, "most answers have no rows to compare"


def test_a_lake_that_keeps_the_first_statement_is_noticed() -> None:
    """The control: with the identifying columns alone as the key, the order of arrival changes figures."""
    found = statements(0, MESSAGES)
    settings = Settings(timezone="Asia/Kolkata", rate_card=CARD)
    with (
        engine_of(first_kept(found), settings) as straight,
        engine_of(first_kept(shuffled(found)), settings) as other,
    ):
        one, two = (answers(engine, 0, CHANGED_BY_FIRST_KEPT) for engine in (straight, other))
    assert {name for name in one if one[name] != two[name]} >= CHANGED_BY_FIRST_KEPT


def test_the_lakes_hold_what_breaks_the_laws() -> None:
    """The first lake has every case, and at least nine of ten lakes have it; no case is left out."""
    found = [cases(statements(seed, MESSAGES)) for seed in range(LAKES)]
    assert [case for case, count in found[0].items() if count == 0] == []
    rare = {case: sum(of_lake[case] == 0 for of_lake in found) for case in found[0]}
    assert {case: lakes for case, lakes in rare.items() if lakes > LAKES / 10} == {}
    # Clocks of New York go forward on 9 March 2025.
    assert {settings_of(seed)[0] for seed in range(4)} >= {"America/New_York", "Asia/Kolkata"}
