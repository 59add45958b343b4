"""Every figure of every query equals the simulator's truth on Trino, from the same text."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bluetick_sql.statements import Settings
from price_scenario import CARD
from simulation import simulate
from trino_server import TrinoServer
from truth import differences, uncovered

SEEDS = int(os.environ.get("BLUETICK_TRINO_SEEDS", "3"))
FIRST_SEED = int(os.environ.get("BLUETICK_SEED", "101"))
MESSAGES = int(os.environ.get("BLUETICK_MESSAGES", "1000"))
ZONES = ["Asia/Kolkata", "America/New_York", "UTC"]


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + SEEDS))
def test_answers_are_the_truth(trino: TrinoServer, tmp_path: Path, seed: int) -> None:
    timezone = ZONES[seed % len(ZONES)]
    made = simulate(tmp_path, seed=seed, messages=MESSAGES, days=12, timezone=timezone, hours=72)
    assert not uncovered(made.truth)
    engine = trino.database(made.lake, Settings(f"truth_{seed}", "", timezone, 72, rate_card=CARD))
    wrong = differences(engine, made.truth)
    assert not wrong, "\n".join(wrong)
