"""Every figure of every query equals the simulator's truth, which is computed from the lives of the messages.

`BLUETICK_SEEDS` and `BLUETICK_MESSAGES` widen the run: `make test-truth` takes 20 seeds of 10,000 messages.
`BLUETICK_SEED` is the first seed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bluetick_sql.duck import DuckEngine
from bluetick_sql.lake import LocalLake
from bluetick_sql.statements import Settings
from price_scenario import CARD
from simulation import simulate
from truth import differences, uncovered

SEEDS = int(os.environ.get("BLUETICK_SEEDS", "2"))
FIRST_SEED = int(os.environ.get("BLUETICK_SEED", "1"))
MESSAGES = int(os.environ.get("BLUETICK_MESSAGES", "1000"))
ZONES = ["Asia/Kolkata", "UTC", "America/New_York", "Africa/Johannesburg", "Australia/Lord_Howe"]
HOURS = [72, 72, 24, 168]


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + SEEDS))
def test_answers_are_the_truth(tmp_path: Path, seed: int) -> None:
    timezone, hours = ZONES[seed % len(ZONES)], HOURS[seed % len(HOURS)]
    made = simulate(tmp_path, seed=seed, messages=MESSAGES, days=12, timezone=timezone, hours=hours)
    assert not uncovered(made.truth)
    with DuckEngine(LocalLake(made.lake), Settings("bluetick", "", timezone, hours, rate_card=CARD)) as engine:
        wrong = differences(engine, made.truth)
    assert not wrong, "\n".join(wrong)


def test_a_query_without_an_answer_and_a_wrong_cell_are_noticed(tmp_path: Path) -> None:
    """The control: the comparison fails without the truth of a query, and for each kind of cell that is changed."""
    made = simulate(tmp_path, seed=1, messages=100, days=4, timezone="UTC", hours=72)
    poorer = {name: answer for name, answer in made.truth["queries"].items() if name != "funnel_daily"}
    assert uncovered({**made.truth, "queries": poorer}) == {"funnel_daily"}
    del made.truth["facts"]["messages"][::2]
    made.truth["facts"]["clicks"].clear()
    made.truth["queries"]["ctr_total"]["rows"][0][0] += 1
    with DuckEngine(LocalLake(made.lake), Settings(rate_card=CARD)) as engine:
        wrong = {line.split(":")[0].split("@")[0] for line in differences(engine, made.truth)}
    assert {
        "ctr_total",
        "clicks_daily",
        "compare_templates",
        "cost_by_country",
        "fatigue",
        "tickets",
        "week_over_week",
    } <= wrong
