"""No answer depends on the order of arrival: the same webhooks in random orders through the real lake.

The simulator mixes all providers, full and bare sends, corrections, Meta's statuses with the application's forwards of
them, Interakt's double reports, relays and repeated webhooks. The records of the webhooks are shuffled, split at random
over several runs of `bluetick run`, and every query is asked. `BLUETICK_LAKES` sets how many simulations are tried,
`make test-laws` takes 200; each is tried in `ORDERS` orders.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

import truth_of_facts
from bluetick_sql.duck import DuckEngine
from bluetick_sql.lake import LocalLake
from bluetick_sql.rate_card import read_rate_card
from bluetick_sql.rows import plain_rows
from bluetick_sql.statements import Settings, bind, find_query, query_files
from local_pipeline import BLUETICK, run
from price_scenario import CARD
from simulation import START, news, records
from truth import comparable, equal

LAKES = int(os.environ.get("BLUETICK_LAKES", "1"))
MESSAGES = int(os.environ.get("BLUETICK_MESSAGES", "100"))
ORDERS = 2
COMMITS = 3
# What made two records the same event before statements were told apart: the first one that came was kept.
EVENT = {
    "statuses": ("message_id", "status", "event_ts", "participant"),
    "sends": ("message_id",),
    "clicks": ("click_id", "event_ts"),
    "messages": ("message_id", "event_ts"),
}
# It tells how late records were received. Of a repeated statement the lake keeps the record that arrived first.
ABOUT_ARRIVAL = {"freshness"}
# Queries that refuse to run without a parameter. The cases of the truth have it.
LOOK_UPS = {"message_status", "latest_message_of_registration", "journey", "compare_templates", "compare_campaigns"}
# Queries that show which of two statements was kept.
TELLING = ("cost_by_category", "ctr_by_template", "ctr_by_campaign", "failures", "funnel_by_provider", "response_times")

Record = dict[str, Any]


def simulate(work: Path, seed: int) -> tuple[list[Record], dict[str, Any]]:
    """The records of a simulation of six days, and its truth with the answers that are computed from its facts."""
    options = ["--seed", str(seed), "--messages", str(MESSAGES), "--days", "6", "--start", START, "--out", work]
    subprocess.run([BLUETICK, "simulate", *options], check=True, capture_output=True)
    requests = work / "requests.ndjson"
    truth = json.loads((work / "truth.json").read_text(encoding="utf-8"))
    truth |= {"news": list(news(requests)), "receipts": []}
    known = truth_of_facts.answers(truth, read_rate_card(CARD))
    truth["queries"] |= {case: answer for case, answer in known.items() if case not in ABOUT_ARRIVAL}
    return list(records(work, requests)), truth


def lake_of(work: Path, found: list[Record], rng: random.Random) -> LocalLake:
    """Moves records to a lake in this order, split at random over several runs."""
    cuts = [0, *sorted(rng.sample(range(1, len(found)), COMMITS - 1)), len(found)]
    work.mkdir()
    for number in range(COMMITS):
        raw = work / f"raw{number}"
        raw.mkdir()
        lines = (json.dumps(record, ensure_ascii=False) for record in found[cuts[number] : cuts[number + 1]])
        (raw / "records.ndjson").write_text("\n".join(lines) + "\n", encoding="utf-8")
        run(raw, work / "lake")
    return LocalLake(work / "lake")


def answers(engine: DuckEngine, truth: dict[str, Any]) -> dict[str, list[list[Any]]]:
    """The answer of every query, and of every case of the truth."""
    window = {name: str(truth["parameters"][name]) for name in ("from", "to")}
    asked: dict[str, dict[str, str]] = {path.stem: {} for path in query_files() if path.stem not in ABOUT_ARRIVAL}
    asked.update({case: expected.get("parameters", {}) for case, expected in truth["queries"].items()})
    found = {}
    for case, values in asked.items():
        statement = find_query(case.split("@")[0])
        if case in LOOK_UPS:
            continue
        result = engine.run(statement, bind(statement, {**window, **values}))
        found[case] = comparable(statement.name, plain_rows(result.rows))
    return found


@pytest.mark.parametrize("seed", range(1, LAKES + 1))
def test_every_order_of_arrival_gives_the_same_answers(tmp_path: Path, seed: int) -> None:
    found, truth = simulate(tmp_path / "simulation", seed)
    first: dict[str, list[list[Any]]] | None = None
    for order in range(ORDERS):
        rng = random.Random(seed * 1000 + order)
        shuffled = rng.sample(found, len(found))
        with DuckEngine(lake_of(tmp_path / str(order), shuffled, rng), Settings(rate_card=CARD)) as engine:
            given = answers(engine, truth)
        wrong = {
            case
            for case, expected in truth["queries"].items()
            if not equal(case.split("@")[0], given[case], expected["rows"])
        }
        assert not wrong
        first = first or given
        different = {case: (first[case], given[case]) for case in given if first[case] != given[case]}
        assert not different


def test_a_lake_that_keeps_the_first_statement_about_an_event_is_noticed(tmp_path: Path) -> None:
    """The control: of several statements about one event only the first that arrives reaches the lake."""
    found, truth = simulate(tmp_path / "simulation", 1)
    window = {name: str(truth["parameters"][name]) for name in ("from", "to")}
    given: list[dict[str, list[list[Any]]]] = []
    for order in range(2):
        rng = random.Random(order)
        kept: dict[tuple[Any, ...], Record] = {}
        for record in rng.sample(found, len(found)):
            columns = EVENT.get(record["table"], ("event_id",))
            kept.setdefault((record["table"], *(record.get(column) for column in columns)), record)
        with DuckEngine(lake_of(tmp_path / str(order), list(kept.values()), rng), Settings()) as engine:
            statements = {name: find_query(name) for name in TELLING}
            asked = {name: engine.run(statement, bind(statement, window)) for name, statement in statements.items()}
        given.append({name: plain_rows(result.rows) for name, result in asked.items()})
    different = {name for name in TELLING if given[0][name] != given[1][name]}
    assert {"ctr_by_campaign", "ctr_by_template", "response_times"} <= different
