"""Costs, links and campaigns on the second small lake; and what a rate card may hold."""

# ruff: noqa: E501 (lines of SQL and of table rows)

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from bluetick_sql.duck import DuckEngine
from bluetick_sql.lake import LocalLake
from bluetick_sql.rate_card import read_rate_card
from bluetick_sql.rows import plain_rows
from bluetick_sql.statements import RATE_CARD, SQL_ROOT, Settings, StatementError, bind
from lake_writer import write_lake
from price_scenario import CARD, EXPECTED, ROWS
from scenario import TIMEZONE, WINDOW
from test_known_figures import changed_statement

SETTINGS = Settings(timezone=TIMEZONE, rate_card=CARD)


def _answers(lake: Path, settings: Settings, changed: dict[str, str]) -> dict[str, list[list[Any]]]:
    found = {}
    with DuckEngine(LocalLake(lake), settings) as engine:
        for name, (parameters, _) in EXPECTED.items():
            statement = changed_statement(name, changed)
            rows = plain_rows(engine.run(statement, bind(statement, {**WINDOW, **parameters})).rows)
            found[name] = [
                [pytest.approx(cell, abs=1e-6) if isinstance(cell, float) else cell for cell in row] for row in rows
            ]
    return found


def test_figures_are_those_worked_out_by_hand(tmp_path: Path) -> None:
    found = _answers(write_lake(tmp_path, ROWS), SETTINGS, {})
    assert found == {name: rows for name, (_, rows) in EXPECTED.items()}


def test_without_prices_nothing_has_a_cost(tmp_path: Path) -> None:
    assert read_rate_card(RATE_CARD) == []
    found = _answers(write_lake(tmp_path, ROWS), Settings(timezone=TIMEZONE), {})
    assert found["cost_by_template"] == [
        ["offer", None, 8, None, 2, 3, None, None],
        ["notice", None, 2, None, 0, 0, None, None],
    ]


MUTATIONS = {
    "the shortest code counts": ("billed_messages", r"length\(c\.calling_code\) DESC", "length(c.calling_code)"),
    "the oldest price counts": ("billed_messages", r"c\.valid_from DESC", "c.valid_from"),
    "a price counts before its day": ("billed_messages", r" AND c\.valid_from <= m\.sent_date", ""),
    "free messages cost": ("billed_messages", r"m\.billable AND m\.is_delivered", "m.is_delivered"),
    "undelivered messages cost": ("billed_messages", r"m\.billable AND m\.is_delivered", "m.billable"),
    "unknown prices are dropped": ("billed_messages", r"LEFT JOIN", "INNER JOIN"),
    "the category is forgotten": ("billed_messages", r"c\.pricing_category = m\.pricing_category AND ", ""),
    "a person without a number has the price of all others": ("billed_messages", r"starts_with\(m\.wa_id", "starts_with(coalesce(m.wa_id, '91')"),
    "unknown prices are 0": ("cost_measures", r"CAST\(sum\(price\) AS double\) AS cost", "coalesce(CAST(sum(price) AS double), 0) AS cost"),
    "cost per clicked message": ("cost_measures", r"nullif\(CAST\(sum\(clicks\) AS bigint\), 0\)", "nullif(count(*) FILTER (WHERE is_clicked), 0)"),
    "Wilson without its correction": ("ctr_comparison", r"1\.9208e0 / n", "0e0"),
    "opened links by all messages": ("link_ctr", r"count\(\*\) FILTER \(WHERE is_delivered\) AS delivered", "count(*) AS delivered"),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_changed_definition_is_noticed(tmp_path: Path, name: str) -> None:
    target, pattern, replacement = MUTATIONS[name]
    path = next(path for folder in ("queries", "common") if (path := SQL_ROOT / folder / f"{target}.sql").is_file())
    changed, count = re.subn(pattern, lambda _: replacement, path.read_text(encoding="utf-8"))
    assert count > 0, f"nothing in {target} matches, so nothing was changed"
    found = _answers(write_lake(tmp_path, ROWS), SETTINGS, {target: changed})
    assert found != {case: rows for case, (_, rows) in EXPECTED.items()}


_HEAD = "calling_code,country,pricing_category,price,currency,valid_from\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "line 1: the columns are None; give calling_code,"),
        ("country,price\n", "line 1: the columns are ['country', 'price']"),
        (_HEAD + "91,India,marketing,0.01,USD\n", "line 2: give 6 fields"),
        (_HEAD + "91,India,marketing,0.01,USD,2025-01-01,x\n", "line 2: give 6 fields"),
        (_HEAD + "+91,India,marketing,0.01,USD,2025-01-01\n", "line 2: calling_code is '+91': give digits such as 91"),
        (_HEAD + "IN,India,marketing,0.01,USD,2025-01-01\n", "calling_code is 'IN'"),
        (_HEAD + "91,,marketing,0.01,USD,2025-01-01\n", "country is '': give a name"),
        (_HEAD + "91,India,Marketing,0.01,USD,2025-01-01\n", "pricing_category is 'Marketing': give a category in lower-case"),
        (_HEAD + "91,India,marketing,\"0,01\",USD,2025-01-01\n", "price is '0,01': give an amount such as 0.0099"),
        (_HEAD + "91,India,marketing,-1,USD,2025-01-01\n", "price is '-1'"),
        (_HEAD + "91,India,marketing,1e3,USD,2025-01-01\n", "price is '1e3'"),
        (_HEAD + "91,India,marketing,0.0000001,USD,2025-01-01\n", "at most 6 decimals"),
        (_HEAD + "91,India,marketing,0.01,$,2025-01-01\n", "currency is '$': give three capital letters"),
        (_HEAD + "91,India,marketing,0.01,USD,2025-02-30\n", "valid_from is '2025-02-30': give a date"),
        (_HEAD + "91,India,marketing,0.01,USD,20250101\n", "valid_from is '20250101'"),
        (_HEAD + "91,I,marketing,1,USD,2025-01-01\n91,J,marketing,2,EUR,2025-01-01\n", "two prices of marketing to 91 from 2025-01-01"),
        (_HEAD + '91,"India,marketing\n', "cannot be read as a rate card"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "card.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StatementError, match=re.escape(reason)):
        read_rate_card(path)


def test_a_name_cannot_leave_its_quotes(tmp_path: Path) -> None:
    path = tmp_path / "card.csv"
    path.write_text(_HEAD + "225,Côte d'Ivoire'); DROP,marketing,0.01,USD,2025-01-01\n", encoding="utf-8")
    with DuckEngine(LocalLake(tmp_path), Settings(rate_card=path)) as engine:
        rows = engine.connection.execute("SELECT country, price FROM bluetick.rate_card").fetchall()
    assert [(name, str(price)) for name, price in rows] == [("Côte d'Ivoire'); DROP", "0.010000")]
