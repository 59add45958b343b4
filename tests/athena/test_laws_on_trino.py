"""The laws of docs/metrics.md on Trino: the same laws, lakes and controls as in `tests/sql/test_laws.py`.

`BLUETICK_TRINO_LAKES` sets how many lakes are tried.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from bluetick_sql.statements import Settings
from bluetick_sql.trino_client import TrinoEngine
from lake_writer import write_lake
from law_lake import Rows, by_table, shuffled, statements
from laws import (
    CARD,
    CHANGED_BY_FIRST_KEPT,
    DEPENDS_ON_THE_WINDOW,
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
from trino_server import TrinoServer

LAKES = int(os.environ.get("BLUETICK_TRINO_LAKES", "10"))
MESSAGES = 100


def _engine(trino: TrinoServer, root: Path, rows: Rows, name: str, seed: int) -> TrinoEngine:
    zone, hours = settings_of(seed)
    return trino.database(write_lake(root, rows), Settings(name, "", zone, hours, rate_card=CARD))


@pytest.mark.parametrize("seed", range(LAKES))
def test_neither_the_window_nor_the_order_changes_a_figure(trino: TrinoServer, tmp_path: Path, seed: int) -> None:
    """Trino answers from the shuffled statements what DuckDB answers from those in their first order."""
    zone, hours = settings_of(seed)
    found = statements(seed, MESSAGES)
    engine = _engine(trino, tmp_path, by_table(shuffled(found)), f"laws_{seed}", seed)
    assert not_additive(engine, random.Random(seed), {}, parts=2) == []
    assert sent_by_day(engine) == true_sent_by_day(by_table(found), zone)
    names = names_for(seed + 1)
    with engine_of(by_table(found), Settings(timezone=zone, attribution_hours=hours, rate_card=CARD)) as straight:
        here, there = answers(engine, seed, names), answers(straight, seed, names)
    # Has a time with its zone, which Trino's client gives as a moment and DuckDB as a local time.
    assert here.pop("clicks by their own day") and there.pop("clicks by their own day")
    assert here == there


@pytest.mark.parametrize("name", DEPENDS_ON_THE_WINDOW)
def test_a_definition_that_depends_on_the_window_is_noticed(trino: TrinoServer, tmp_path: Path, name: str) -> None:
    number = list(DEPENDS_ON_THE_WINDOW).index(name)
    engine = _engine(trino, tmp_path, by_table(statements(1, 4 * MESSAGES)), f"not_additive_{number}", 1)
    # Of one cut, this one is noticed: near the end, with most messages before it.
    assert not_additive(engine, random.Random(2), changed_definition(name), parts=2) != []


def test_a_lake_that_keeps_the_first_statement_is_noticed(trino: TrinoServer, tmp_path: Path) -> None:
    found = statements(0, MESSAGES)
    one, two = (
        answers(_engine(trino, tmp_path / name, first_kept(order), f"first_kept_{name}", 0), 0, CHANGED_BY_FIRST_KEPT)
        for name, order in (("a", found), ("b", shuffled(found)))
    )
    assert {name for name in one if one[name] != two[name]} >= CHANGED_BY_FIRST_KEPT
