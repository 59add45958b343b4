"""The saved queries of Athena's console: every one runs as it is pasted, with its comments and without a `?`."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlglot
from sqlglot import exp

from bluetick_sql.console import pasted
from bluetick_sql.duck import DuckEngine
from bluetick_sql.lake import LocalLake
from bluetick_sql.rows import plain_rows
from bluetick_sql.statements import (
    Settings,
    Statement,
    StatementError,
    bind,
    find_query,
    parse_statement,
    query_files,
    read_statement,
)
from scenario import TIMEZONE, WINDOW

SETTINGS = Settings(timezone=TIMEZONE)
LONGEST_QUERY = 262_144  # characters: docs.aws.amazon.com/athena/latest/ug/service-limits.html


@pytest.mark.parametrize("path", query_files(), ids=lambda path: path.stem)
def test_every_query_parses_without_parameters_and_says_what_it_answers(path) -> None:
    statement = read_statement(path)
    text = pasted(statement, SETTINGS)
    [tree] = sqlglot.parse(text, read="athena")
    assert tree is not None and not list(tree.find_all(exp.Placeholder))
    header = " ".join(line.removeprefix("-- ") for line in text.splitlines() if line.startswith("--"))
    assert header.startswith(f"{statement.name}: {statement.question}")
    assert "docs/metrics.md" in header
    assert all(f"/* {name} */" in header for name in statement.parameters)
    assert "${" not in text and len(text) <= LONGEST_QUERY


def test_every_query_runs_as_it_is_pasted(scenario_lake: LocalLake) -> None:
    with DuckEngine(scenario_lake, SETTINGS) as engine:
        for path in query_files():
            engine.run(Statement(path.stem, pasted(read_statement(path), SETTINGS)), [])


@pytest.mark.parametrize("name", ["ctr_by_template", "failures", "tickets", "message_log"])
def test_with_days_in_place_of_the_defaults_it_answers_what_the_query_answers(
    scenario_lake: LocalLake, name: str
) -> None:
    statement = find_query(name)
    text = pasted(statement, SETTINGS)
    for mark in ("from", "to"):
        start = text.index(f"/* {mark} */ CAST(")
        end = text.index("varchar)", start) + len("varchar)")
        text = f"{text[:start]}'{WINDOW[mark]}'{text[end:]}"
    with DuckEngine(scenario_lake, SETTINGS) as engine:
        expected = engine.run(statement, bind(statement, WINDOW))
        assert expected.rows
        assert plain_rows(engine.run(Statement(name, text), []).rows) == plain_rows(expected.rows)


@pytest.mark.parametrize(("name", "span"), [("ctr_total", (7, 1)), ("message_log", (30, 0))])
def test_defaults_count_back_from_the_local_day(scenario_lake: LocalLake, name: str, span: tuple[int, int]) -> None:
    text = pasted(find_query(name), SETTINGS)
    with DuckEngine(scenario_lake, SETTINGS) as engine:

        def day(expression: str) -> date:
            [[found]] = engine.run(Statement("day", f"SELECT date({expression})"), []).rows
            return found

        today = day(f"at_timezone(current_timestamp, '{TIMEZONE}')")
        for mark, days in zip(("from", "to"), span, strict=True):
            start = text.index(f"/* {mark} */ CAST(") + len(f"/* {mark} */ ")
            assert day(text[start : text.index("varchar)", start) + len("varchar)")]) == today - timedelta(days=days)


def test_a_question_mark_in_a_text_or_a_comment_is_no_parameter() -> None:
    statement = parse_statement(
        "own",
        "-- Question: Is it?\n-- Parameters: from, to; ${database}\n"
        "SELECT 'why?' /* or ? */ FROM x WHERE a = ? AND b = ? -- and?\n",
    )
    text = pasted(statement, Settings())
    assert "'why?' /* or ? */" in text and "-- and?" in text
    assert text.count("/* from */ CAST(") == text.count("/* to */ CAST(") == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("-- Parameters: from\nSELECT ?, ?", "has more"),
        ("-- Parameters: from, to\nSELECT ?", "for its parameter to"),
        ("-- Parameters: weather\nSELECT ?", "weather of own has no meaning"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(text: str, reason: str) -> None:
    with pytest.raises(StatementError, match=reason):
        pasted(parse_statement("own", text), Settings())
