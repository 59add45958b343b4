"""Every figure of the small lake is what one works out by hand; and a changed definition is noticed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import pytest

from bluetick_sql.duck import DuckEngine
from bluetick_sql.lake import LocalLake
from bluetick_sql.rows import plain_rows
from bluetick_sql.statements import SQL_ROOT, Settings, Statement, bind, find_query, query_files, view_files
from scenario import EXPECTED, TIMEZONE, WINDOW

SETTINGS = Settings(timezone=TIMEZONE)


def answers(
    lake: LocalLake, cases: Iterable[str], views: dict[str, str], queries: dict[str, str]
) -> dict[str, list[list[Any]]]:
    """The rows of some expected cases, with some views and queries replaced."""
    found = {}
    with DuckEngine(lake, SETTINGS, views) as engine:
        for case in cases:
            parameters = EXPECTED[case][0]
            statement = find_query(case.split("@")[0])
            changed = Statement(
                statement.name, queries.get(statement.name, statement.text), statement.question, statement.parameters
            )
            found[case] = plain_rows(engine.run(changed, bind(changed, {**WINDOW, **parameters})).rows)
    return found


def test_figures_are_those_worked_out_by_hand(scenario_lake: LocalLake) -> None:
    found = answers(scenario_lake, EXPECTED, {}, {})
    wrong = {case: (rows, EXPECTED[case][1]) for case, rows in found.items() if rows != EXPECTED[case][1]}
    assert not wrong


def test_every_query_but_those_of_the_simulator_has_known_figures() -> None:
    """What the small lake leaves out is compared with the simulator's truth."""
    left_out = {path.stem for path in query_files()} - {case.split("@")[0] for case in EXPECTED}
    assert left_out == {"flows", "freshness", "funnel_by_campaign", "list_rows"}


# What is changed: a view or a query, the text, what stands there instead, and a case whose figures must change.
MUTATIONS = {
    "denominator swapped for all messages": (
        "ctr_by_provider",
        r"\(WHERE is_clicked\) AS double\) / nullif\(count\(\*\) FILTER \(WHERE is_delivered\), 0\)",
        "(WHERE is_clicked) AS double) / nullif(count(*), 0)",
        "ctr_by_provider",
    ),
    "denominator swapped for the read": (
        "ctr_total",
        r"nullif\(count\(\*\) FILTER \(WHERE is_delivered\), 0\) AS ctr",
        "nullif(count(*) FILTER (WHERE is_read), 0) AS ctr",
        "ctr_total",
    ),
    "read no longer implies delivered": (
        "40_lifecycle_by_window",
        r"delivered_at IS NOT NULL OR read_at IS NOT NULL OR first_click_at IS NOT NULL",
        "delivered_at IS NOT NULL OR first_click_at IS NOT NULL",
        "ctr_total",
    ),
    "click no longer implies delivered": (
        "40_lifecycle_by_window",
        r"delivered_at IS NOT NULL OR read_at IS NOT NULL OR first_click_at IS NOT NULL",
        "delivered_at IS NOT NULL OR read_at IS NOT NULL",
        "ctr_total",
    ),
    "each delivered counted": (
        "ctr_total",
        r"count\(\*\) FILTER \(WHERE is_delivered\) AS delivered",
        "(SELECT count(*) FROM ${database}.statuses WHERE status = 'delivered') AS delivered",
        "ctr_total",
    ),
    "the second delivered taken": (
        "40_lifecycle_by_window",
        r"min\(f\.event_ts\) FILTER \(WHERE f\.status = 'delivered'\)",
        "max(f.event_ts) FILTER (WHERE f.status = 'delivered')",
        "funnel_daily",
    ),
    "days in UTC": ("40_lifecycle_by_window", r"'\$\{timezone\}'", "'UTC'", "ctr_daily"),
    "clicks' days in UTC": ("60_local_clicks", r"'\$\{timezone\}'", "'UTC'", "interaction_kinds"),
    "attribution window forgotten": (
        "40_lifecycle_by_window",
        r"first_click_at <= sent_at \+ INTERVAL '\$\{attribution_hours\}' HOUR",
        "first_click_at IS NOT NULL",
        "ctr_total",
    ),
    "attribution window forgotten for clicks": (
        "50_clicks_by_window",
        r"  AND c\.event_ts <= m\.sent_at \+ INTERVAL '\$\{attribution_hours\}' HOUR\n",
        "",
        "ctr_by_button",
    ),
    "window one hour too long": (
        "40_lifecycle_by_window",
        r"'\$\{attribution_hours\}' HOUR THEN first_click_at",
        "'73' HOUR THEN first_click_at",
        "ctr_total",
    ),
    "status horizon forgotten": (
        "40_lifecycle_by_window",
        r"read_at <= sent_at \+ INTERVAL '168' HOUR",
        "read_at IS NOT NULL",
        "ctr_total",
    ),
    "no look back": (
        "40_lifecycle_by_window",
        r"date_add\('day', -8, date\(w\.from_date\)\)",
        "date_add('day', -1, date(w.from_date))",
        "funnel_daily",
    ),
    "dt not widened to the left": (
        "40_lifecycle_by_window",
        r"date_add\('day', -8, date\(w\.from_date\)\)",
        "date_add('day', 0, date(w.from_date))",
        "ctr_daily",
    ),
    "dt not widened to the right": (
        "40_lifecycle_by_window",
        r"date_add\('day', 1 \+ \(greatest[^)]*\) \+ 23\) / 24, date\(w\.to_date\)\)",
        "date_add('day', -1, date(w.to_date))",
        "ctr_daily",
    ),
    "failed though delivered": (
        "40_lifecycle_by_window",
        r"failed_at IS NOT NULL AND NOT is_delivered AS is_failed",
        "failed_at IS NOT NULL AS is_failed",
        "failures",
    ),
    "payments counted as statuses": (
        "30_message_facts",
        r"WHERE NOT starts_with\(status, 'payment_'\)",
        "WHERE true",
        "funnel_daily",
    ),
    "reactions counted as replies": (
        "30_message_facts",
        r" AND coalesce\(type, 'unknown'\) <> 'reaction'",
        "",
        "funnel_daily",
    ),
    "messages without buttons in the CTR": (
        "40_lifecycle_by_window",
        r"buttons IS NULL OR cardinality\(buttons\) > 0 AS is_clickable",
        "true AS is_clickable",
        "ctr_total",
    ),
    "price counted with each status": (
        "cost_by_category",
        r"  count\(\*\) AS messages,",
        "  (SELECT count(*) FROM ${database}.statuses WHERE billable) AS messages,",
        "cost_by_category",
    ),
    "limits of Meta among bad numbers": ("21_error_codes", r"131049", "999999", "failures"),
    "application taken for a provider": (
        "40_lifecycle_by_window",
        r"coalesce\(min\(f\.provider\)[^\n]*'tracker'\) AS provider",
        "max(f.provider) AS provider",
        "ctr_by_provider",
    ),
    "persons counted as messages": (
        "ctr_by_template",
        r"count\(DISTINCT recipient\) FILTER \(WHERE is_clicked\) AS clickers",
        "count(recipient) FILTER (WHERE is_clicked) AS clickers",
        "ctr_by_template",
    ),
    "rejected portions counted as lines": (
        "rejected_lines",
        r"sum\(r\.line_count\)",
        "count(r.line_count)",
        "rejected_lines",
    ),
    "median taken for the maximum": ("funnel_daily", r"\(9 \* count", "(5 * count", "funnel_daily"),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_changed_definition_is_noticed(scenario_lake: LocalLake, name: str) -> None:
    target, pattern, replacement, case = MUTATIONS[name]
    is_view = any(path.stem == target for path in view_files())
    text = (SQL_ROOT / ("views" if is_view else "queries") / f"{target}.sql").read_text(encoding="utf-8")
    changed, count = re.subn(pattern, lambda _: replacement, text)
    assert count > 0, f"nothing in {target} matches, so nothing was changed"
    found = answers(scenario_lake, [case], {target: changed} if is_view else {}, {} if is_view else {target: changed})
    assert found[case] != EXPECTED[case][1]
