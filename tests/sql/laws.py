"""The laws of docs/metrics.md, asked of any engine: additivity and order, and definitions that break them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from bluetick_sql.rows import Result, plain_rows
from bluetick_sql.statements import SQL_ROOT, Statement, bind, find_query, include, query_files
from law_lake import WINDOW, Rows, by_table

ZONES = ["Asia/Kolkata", "UTC", "America/New_York", "Pacific/Kiritimati"]
HOURS = [72, 1, 720, 168]
# The relations from which every query that counts messages, clicks or receipts takes its rows.
RELATIONS = {
    "messages": "WITH ${include:cohort} SELECT * FROM sent_messages",
    "clicks": "WITH ${include:cohort},\n${include:attributed_clicks} SELECT * FROM attributed_clicks",
    "clicks by their own day": "WITH ${include:events} SELECT * FROM local_clicks",
    "priced messages": "WITH ${include:cohort},\n${include:billed_messages} "
    "SELECT message_id, country, currency, CAST(price AS double) AS price FROM billed_messages",
}
# Prices that change within WINDOW.
CARD = Path(__file__).with_name("law_rate_card.csv")
ADDED_UP = {"unattributed_clicks": {"clicks"}, "unattributed_receipts": {"receipts"}}
ORIGINS = {"accepted", "pending", "queued", "enqueued", "submitted", "sent", "failed"}
# Wrong definitions of the cohort: a file of sql/common, a text of it, and what stands there instead.
DEPENDS_ON_THE_WINDOW = {
    "no look-back": ("openings", "FROM message_facts", "FROM message_facts WHERE fact <> 'earlier origin'"),
    "the first origin in sight opens": (
        "openings",
        "previous_origin IS NULL OR previous_origin < event_ts - INTERVAL '744' HOUR",
        "previous_origin IS NULL",
    ),
    "an attribute from beyond the horizon": ("cohort_window", "168 AS status_hours", "100000 AS status_hours"),
}
# The same for prices, which need a rate card.
PRICES_DEPEND_ON_THE_WINDOW = {
    "the price of the window's first day": (
        "billed_messages",
        "c.valid_from <= m.sent_date",
        "c.valid_from <= (SELECT from_date FROM report_window)",
    ),
}
# What made two rows the same event before statements were told apart: the first one that came was kept.
FIRST_KEPT = {
    "statuses": ("message_id", "status", "event_ts"),
    "sends": ("message_id",),
    "clicks": ("click_id", "event_ts"),
    "messages": ("message_id", "event_ts"),
}
# Queries whose answers a lake that keeps the first statement must change.
CHANGED_BY_FIRST_KEPT = {"failures", "cost_by_category", "ctr_by_template"}


class Engine(Protocol):
    """DuckDB or Trino."""

    def run(self, statement: Statement, values: list[str]) -> Result: ...


def settings_of(seed: int) -> tuple[str, int]:
    """Time zone and hours of attribution of the lake of this seed."""
    return ZONES[seed % 4], HOURS[seed // 4 % 4] if seed else 72


def _read(changed: dict[str, str]) -> Callable[[str], str]:
    return lambda name: changed.get(name) or (SQL_ROOT / "common" / f"{name}.sql").read_text(encoding="utf-8")


def changed_definition(name: str) -> dict[str, str]:
    """The file of `sql/common` with the text of one of DEPENDS_ON_THE_WINDOW."""
    file, old, new = (DEPENDS_ON_THE_WINDOW | PRICES_DEPEND_ON_THE_WINDOW)[name]
    text = _read({})(file)
    assert old in text
    return {file: text.replace(old, new)}


def _rows(engine: Engine, text: str, first: str, last: str, changed: dict[str, str]) -> list[str]:
    statement = Statement(
        "relation", include(text, _read(changed)), "", ("from", "to", "account_id", "phone_number_id")
    )
    return [repr(row) for row in plain_rows(engine.run(statement, [first, last, "", ""]).rows)]


def _sums(engine: Engine, name: str, first: str, last: str) -> Counter[tuple[Any, ...]]:
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


def not_additive(engine: Engine, rng: random.Random, changed: dict[str, str], parts: int = 4) -> list[str]:
    """What differs between a window and the sum of its parts; empty if the law holds.

    `changed` holds texts that replace files of sql/common.
    """
    first, last = WINDOW["from"], WINDOW["to"]
    windows = _split(rng, first, last, parts)
    wrong = []
    for name, text in RELATIONS.items():
        whole = Counter(_rows(engine, text, first, last, changed))
        split = Counter(row for a, b in windows for row in _rows(engine, text, a, b, changed))
        assert whole, f"{name}: no rows to compare"
        if whole != split:
            wrong.append(
                f"{name}: only in the whole {list(whole - split)[:1]}, only in the parts {list(split - whole)[:1]}"
            )
    for name in ADDED_UP if not changed else ():
        split_sums: Counter[tuple[Any, ...]] = Counter()
        for a, b in windows:
            split_sums += _sums(engine, name, a, b)
        if _sums(engine, name, first, last) != split_sums:
            wrong.append(f"{name}: sums differ")
    return wrong


def _openings(found: Rows) -> list[datetime]:
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


def sent_by_day(engine: Engine) -> dict[str, int]:
    """The messages of each day of WINDOW, as `funnel_daily` counts them."""
    statement = find_query("funnel_daily")
    return {row[0]: row[1] for row in plain_rows(engine.run(statement, bind(statement, WINDOW)).rows)}


def true_sent_by_day(found: Rows, zone: str) -> dict[str, int]:
    """The same, from the rows themselves."""
    true = Counter(str(time.astimezone(ZoneInfo(zone)).date()) for time in _openings(found))
    return {day: count for day, count in true.items() if WINDOW["from"] <= day <= WINDOW["to"]}


def names_for(seed: int) -> list[str]:
    """The queries whose answers are compared on the lake of this seed: all on the first, a fifth on every other one."""
    names = [path.stem for path in query_files()]
    return names if seed == 0 else names[seed % 5 :: 5]


def answers(engine: Engine, seed: int, names: Iterable[str]) -> dict[str, list[Any]]:
    """What these queries answer over WINDOW on the lake of this seed, and the rows of RELATIONS."""
    asked = {
        **WINDOW,
        "registration_id": "none",
        "message_ids": ",".join(f"wamid.{seed}.{number:05d}" for number in range(20)),
        "recipient_id": f"9198{7:08d}",
        "templates": "t0,t1,t2,corrected",
        "campaigns": "c1,none",
    }
    found: dict[str, list[Any]] = {}
    for name in names:
        statement = find_query(name)
        values = bind(statement, {name: value for name, value in asked.items() if name in statement.parameters})
        found[name] = plain_rows(engine.run(statement, values).rows)
    for name, text in RELATIONS.items():
        found[name] = sorted(_rows(engine, text, WINDOW["from"], WINDOW["to"], {}))
    return found


def first_kept(found: list[tuple[str, dict[str, Any]]]) -> Rows:
    """The rows of a lake with the identifying columns alone as the key: of two statements the first one stays."""
    kept: dict[Any, tuple[str, dict[str, Any]]] = {}
    for table, row in found:
        kept.setdefault((table, *(row[column] for column in FIRST_KEPT[table])), (table, row))
    return by_table(list(kept.values()))
