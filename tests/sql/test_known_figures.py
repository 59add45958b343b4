"""Every figure of the small lake is what one works out by hand; and a changed definition is noticed."""

# ruff: noqa: E501 (lines of SQL and of table rows)

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import pytest

import price_scenario
from bluetick_sql.duck import DuckEngine
from bluetick_sql.lake import LocalLake
from bluetick_sql.rows import plain_rows
from bluetick_sql.statements import SQL_ROOT, Settings, Statement, bind, find_query, include, query_files
from scenario import EXPECTED, TIMEZONE, WINDOW

SETTINGS = Settings(timezone=TIMEZONE)


def changed_statement(name: str, changed: dict[str, str]) -> Statement:
    """A query with some files of `sql/queries` and `sql/common`, by name, replaced."""
    statement = find_query(name)
    text = changed.get(name, (SQL_ROOT / "queries" / f"{name}.sql").read_text(encoding="utf-8"))

    def read(common: str) -> str:
        return changed.get(common, (SQL_ROOT / "common" / f"{common}.sql").read_text(encoding="utf-8"))

    return Statement(name, include(text, read), statement.question, statement.parameters)


def answers(lake: LocalLake, cases: Iterable[str], changed: dict[str, str]) -> dict[str, list[list[Any]]]:
    """The rows of some expected cases, with the files named in `changed` replaced."""
    found = {}
    with DuckEngine(lake, SETTINGS, changed) as engine:
        for case in cases:
            statement = changed_statement(case.split("@")[0], changed)
            values = bind(statement, {**WINDOW, **EXPECTED[case][0]})
            found[case] = plain_rows(engine.run(statement, values).rows)
    return found


def test_figures_are_those_worked_out_by_hand(scenario_lake: LocalLake) -> None:
    found = answers(scenario_lake, EXPECTED, {})
    wrong = {case: (rows, EXPECTED[case][1]) for case, rows in found.items() if rows != EXPECTED[case][1]}
    assert not wrong


def test_every_query_but_those_of_the_simulator_has_known_figures() -> None:
    """What the small lake leaves out is compared with the simulator's truth."""
    left_out = {path.stem for path in query_files()} - {
        case.split("@")[0] for case in EXPECTED | price_scenario.EXPECTED
    }
    assert left_out == {"flows", "freshness", "funnel_by_campaign", "list_rows"}


# What is changed: a file of sql/, the text, what stands there instead, and a case whose figures must change.
MUTATIONS = {
    "denominator swapped for all messages": ("ctr_measures", r"nullif\(count\(\*\) FILTER \(WHERE is_delivered\), 0\) AS ctr", "nullif(count(*), 0) AS ctr", "ctr_by_provider"),
    "denominator swapped for the read": ("ctr_measures", r"nullif\(count\(\*\) FILTER \(WHERE is_delivered\), 0\) AS ctr", "nullif(count(*) FILTER (WHERE is_read), 0) AS ctr", "ctr_total"),
    "read no longer implies delivered": ("sent_messages", r"m\.delivered_at IS NOT NULL OR m\.read_at IS NOT NULL OR", "m.delivered_at IS NOT NULL OR", "ctr_total"),
    "click no longer implies delivered": ("sent_messages", r"m\.read_at IS NOT NULL OR m\.first_click_at IS NOT NULL OR m\.replied_at IS NOT NULL AS is_delivered", "m.read_at IS NOT NULL AS is_delivered", "ctr_total"),
    "a receipt makes a message": ("message_facts", r"'queued', 'enqueued', 'submitted', 'sent', 'failed'\) AS is_origin", "'delivered', 'sent', 'failed') AS is_origin", "funnel_by_provider"),
    "only sends make a message": ("message_facts", r"'submitted', 'sent', 'failed'\) AS is_origin", "'submitted') AS is_origin", "funnel_daily"),
    "each delivered counted": ("ctr_measures", r"count\(\*\) FILTER \(WHERE is_delivered\) AS delivered", "(SELECT count(*) FROM ${database}.statuses WHERE status = 'delivered') AS delivered", "ctr_total"),
    "the second delivered taken": ("sent_messages", r"min\(event_ts\) FILTER \(WHERE status = 'delivered'\)", "max(event_ts) FILTER (WHERE status = 'delivered')", "funnel_daily"),
    "days in UTC": ("cohort_window", r"'\$\{timezone\}'", "'UTC'", "ctr_daily"),
    "clicks' days in UTC": ("local_clicks", r"'\$\{timezone\}'", "'UTC'", "interaction_kinds"),
    "attribution window forgotten": ("cohort_window", r"\$\{attribution_hours\} AS click_hours", "720 AS click_hours", "ctr_total"),
    "attribution window forgotten for clicks": ("attributed_clicks", r"w\.click_hours", "720", "ctr_by_button"),
    "window one hour too long": ("cohort_window", r"\$\{attribution_hours\} AS click_hours", "73 AS click_hours", "ctr_total"),
    "status horizon forgotten": ("cohort_window", r"168 AS status_hours", "720 AS status_hours", "ctr_total"),
    "a look-up has a horizon": ("message_status", r"include:lookup", "include:cohort", "message_status"),
    "each origin opens a message": ("openings", r"previous_origin IS NULL OR previous_origin < event_ts - INTERVAL '744' HOUR", "true", "funnel_by_event"),
    "dt not widened to the left": ("cohort_window", r"2 AS days_before", "0 AS days_before", "ctr_daily"),
    "dt not widened to the right": ("cohort_window", r"1 \+ \(greatest[^\n]* AS days_after", "-1 AS days_after", "ctr_daily"),
    "failed though delivered": ("sent_messages", r"failed_at IS NOT NULL AND NOT is_delivered AS is_failed", "failed_at IS NOT NULL AS is_failed", "failures"),
    "payments counted as statuses": ("message_facts", r"AND NOT starts_with\(s\.status, 'payment_'\)", "AND true", "unattributed_receipts"),
    "reactions counted as replies": ("message_facts", r" AND coalesce\(r\.type, 'unknown'\) <> 'reaction'", "", "funnel_daily"),
    "messages without buttons in the CTR": ("sent_messages", r"buttons IS NULL OR cardinality\(buttons\) > 0 AS is_clickable", "true AS is_clickable", "ctr_total"),
    "price counted with each status": ("cost_by_category", r"  count\(\*\) AS messages,", "  (SELECT count(*) FROM ${database}.statuses WHERE billable) AS messages,", "cost_by_category"),
    "limits of Meta among bad numbers": ("21_error_codes", r"131049", "999999", "failures"),
    "application taken for a provider": ("sent_messages", r"coalesce\(min\(provider\)[^\n]*'tracker'\) AS provider", "max(provider) AS provider", "ctr_by_provider"),
    "persons counted as messages": ("ctr_measures", r"count\(DISTINCT recipient\) FILTER \(WHERE is_clicked\) AS clickers", "count(recipient) FILTER (WHERE is_clicked) AS clickers", "ctr_by_template"),
    "rejected portions counted as lines": ("rejected_lines", r"sum\(r\.line_count\)", "count(r.line_count)", "rejected_lines"),
    "median taken for the maximum": ("funnel_measures", r"\(9 \* count", "(5 * count", "funnel_daily"),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_changed_definition_is_noticed(scenario_lake: LocalLake, name: str) -> None:
    target, pattern, replacement, case = MUTATIONS[name]
    folders = ("views", "queries", "common")
    path = next(path for folder in folders if (path := SQL_ROOT / folder / f"{target}.sql").is_file())
    changed, count = re.subn(pattern, lambda _: replacement, path.read_text(encoding="utf-8"))
    assert count > 0, f"nothing in {target} matches, so nothing was changed"
    found = answers(scenario_lake, [case], {target: changed})
    assert found[case] != EXPECTED[case][1]
