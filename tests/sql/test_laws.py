"""The laws of docs/metrics.md on random lakes: no figure depends on the window asked, nor on the order of arrival.

`BLUETICK_LAKES` sets how many lakes are tried; `make test-laws` takes 200.
"""

# ruff: noqa: E501 (lines of SQL and of table rows)

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bluetick_sql.duck import DuckEngine
from bluetick_sql.lake import LocalLake
from bluetick_sql.rows import plain_rows
from bluetick_sql.statements import SQL_ROOT, Settings, Statement, bind, find_query, include, query_files
from lake_writer import at, write_lake
from law_lake import WINDOW, by_table, statements

LAKES = int(os.environ.get("BLUETICK_LAKES", "1"))
MESSAGES = 100
ZONES = ["Asia/Kolkata", "UTC", "America/New_York", "Pacific/Kiritimati"]
HOURS = [72, 1, 720, 168]
# The relations from which every query that counts messages, clicks or receipts takes its rows.
RELATIONS = {
    "messages": "WITH ${include:cohort} SELECT * FROM sent_messages",
    "clicks": "WITH ${include:cohort},\n${include:attributed_clicks} SELECT * FROM attributed_clicks",
    "clicks by their own day": "WITH ${include:events} SELECT * FROM local_clicks",
}
ADDED_UP = {"unattributed_clicks": {"clicks"}, "unattributed_receipts": {"receipts"}}
ORIGINS = {"accepted", "pending", "queued", "enqueued", "submitted", "sent", "failed"}


def _read(changed: dict[str, str]) -> Callable[[str], str]:
    return lambda name: changed.get(name) or (SQL_ROOT / "common" / f"{name}.sql").read_text(encoding="utf-8")


def _rows(engine: DuckEngine, text: str, first: str, last: str, changed: dict[str, str]) -> list[str]:
    statement = Statement(
        "relation", include(text, _read(changed)), "", ("from", "to", "account_id", "phone_number_id")
    )
    return [repr(row) for row in plain_rows(engine.run(statement, [first, last, "", ""]).rows)]


def _sums(engine: DuckEngine, name: str, first: str, last: str) -> Counter[tuple[Any, ...]]:
    statement = find_query(name)
    result = engine.run(statement, bind(statement, {"from": first, "to": last}))
    sums: Counter[tuple[Any, ...]] = Counter()
    for row in plain_rows(result.rows):
        cells = dict(zip(result.columns, row, strict=True))
        key = tuple(value for value in row if not isinstance(value, int))
        for column in ADDED_UP[name]:
            sums[(*key, column)] += cells[column]
    return sums


def _split(rng: random.Random, first: str, last: str, parts: int) -> list[tuple[str, str]]:
    """A window cut at random into parts that touch each other."""
    start, days = date.fromisoformat(first), (date.fromisoformat(last) - date.fromisoformat(first)).days + 1
    cuts = [0, *sorted(rng.sample(range(1, days), parts - 1)), days]
    return [(str(start + timedelta(days=a)), str(start + timedelta(days=b - 1))) for a, b in pairwise(cuts)]


def _not_additive(engine: DuckEngine, rng: random.Random, changed: dict[str, str]) -> list[str]:
    first, last = WINDOW["from"], WINDOW["to"]
    parts = _split(rng, first, last, 4)
    wrong = []
    for name, text in RELATIONS.items():
        whole = Counter(_rows(engine, text, first, last, changed))
        split = Counter(row for a, b in parts for row in _rows(engine, text, a, b, changed))
        if whole != split:
            wrong.append(
                f"{name}: only in the whole {list(whole - split)[:1]}, only in the parts {list(split - whole)[:1]}"
            )
    for name in ADDED_UP if not changed else ():
        split_sums: Counter[tuple[Any, ...]] = Counter()
        for a, b in parts:
            split_sums += _sums(engine, name, a, b)
        if _sums(engine, name, first, last) != split_sums:
            wrong.append(f"{name}: sums differ")
    return wrong


def _openings(found: dict[str, list[dict[str, Any]]]) -> list[datetime]:
    """When each message was sent, from first principles."""
    origins: dict[str, set[datetime]] = {}
    for row in found["sends"] + [row for row in found["statuses"] if row["status"] in ORIGINS]:
        origins.setdefault(row["message_id"], set()).add(row["event_ts"])
    sent = []
    for times in origins.values():
        previous = None
        for time in sorted(times):
            if previous is None or time - previous > timedelta(hours=744):
                sent.append(time)
            previous = time
    return sent


@pytest.mark.parametrize("seed", range(LAKES))
def test_sums_over_a_split_equal_the_whole(tmp_path: Path, seed: int) -> None:
    zone, hours = ZONES[seed % 4], HOURS[seed // 4 % 4] if seed else 72
    found = by_table(statements(seed, MESSAGES))
    with DuckEngine(LocalLake(write_lake(tmp_path, found)), Settings(timezone=zone, attribution_hours=hours)) as engine:
        assert _not_additive(engine, random.Random(seed), {}) == []
        statement = find_query("funnel_daily")
        days = plain_rows(engine.run(statement, bind(statement, WINDOW)).rows)
    true = Counter(str(time.astimezone(ZoneInfo(zone)).date()) for time in _openings(found))
    assert {row[0]: row[1] for row in days} == {
        day: count for day, count in true.items() if WINDOW["from"] <= day <= WINDOW["to"]
    }


CONTROLS = {
    "no look-back": ("openings", "FROM message_facts", "FROM message_facts WHERE fact <> 'earlier origin'"),
    "the first origin in sight opens": ("openings", "previous_origin IS NULL OR previous_origin < event_ts - INTERVAL '744' HOUR", "previous_origin IS NULL"),
    "an attribute from beyond the horizon": ("cohort_window", "168 AS status_hours", "100000 AS status_hours"),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTROLS)
def test_a_definition_that_depends_on_the_window_is_noticed(tmp_path: Path, name: str) -> None:
    file, old, new = CONTROLS[name]
    text = _read({})(file)
    assert old in text
    found = by_table(statements(1, 4 * MESSAGES))
    with DuckEngine(LocalLake(write_lake(tmp_path, found)), Settings()) as engine:
        assert _not_additive(engine, random.Random(1), {file: text.replace(old, new)}) != []


def test_a_month_with_late_receipts_is_the_sum_of_its_weeks_and_days(tmp_path: Path) -> None:
    """1,200 messages of September, 5 % delivered and 6 % read 9 to 25 days late: October, in which nothing was sent, has none."""
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
    with DuckEngine(LocalLake(write_lake(tmp_path, {"statuses": rows})), Settings()) as engine:

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


def _answers(lake: LocalLake) -> dict[str, list[list[Any]]]:
    asked = {
        **WINDOW,
        "registration_id": "none",
        "message_ids": ",".join(f"wamid.0.{number:05d}" for number in range(20)),
    }
    answers = {}
    with DuckEngine(lake, Settings(timezone="Asia/Kolkata")) as engine:
        for path in query_files():
            statement = find_query(path.stem)
            values = bind(statement, {name: value for name, value in asked.items() if name in statement.parameters})
            answers[path.stem] = plain_rows(engine.run(statement, values).rows)
    return answers


# What made two rows the same event before statements were told apart: the first one that came was kept.
FIRST_KEPT = {
    "statuses": ("message_id", "status", "event_ts"),
    "sends": ("message_id",),
    "clicks": ("click_id", "event_ts"),
    "messages": ("message_id", "event_ts"),
}


def test_the_order_of_statements_changes_nothing(tmp_path: Path) -> None:
    found = statements(0, MESSAGES)
    shuffled = random.Random(7).sample(found, len(found))
    straight = _answers(LocalLake(write_lake(tmp_path / "a", by_table(found))))
    assert straight == _answers(LocalLake(write_lake(tmp_path / "b", by_table(shuffled))))


def test_a_lake_that_keeps_the_first_statement_is_noticed(tmp_path: Path) -> None:
    """The control: with the identifying columns alone as the key, the order of arrival changes figures."""

    def first_kept(found: list[tuple[str, dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
        kept: dict[Any, tuple[str, dict[str, Any]]] = {}
        for table, row in found:
            kept.setdefault((table, *(row[column] for column in FIRST_KEPT[table])), (table, row))
        return by_table(list(kept.values()))

    found = statements(0, MESSAGES)
    shuffled = random.Random(7).sample(found, len(found))
    one, other = (
        _answers(LocalLake(write_lake(tmp_path / name, first_kept(order))))
        for name, order in (("a", found), ("b", shuffled))
    )
    different = {name for name in one if one[name] != other[name]}
    assert {"failures", "cost_by_category", "ctr_by_template"} <= different
