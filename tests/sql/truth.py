"""Compares what an engine answers with `truth.json`."""

from __future__ import annotations

from typing import Any, Protocol

from bluetick_sql.rows import Result, plain_rows
from bluetick_sql.statements import Statement, bind, find_query, query_files

# freshness depends on when webhooks were received; the reports by number need the hash of a session. The simulator
# has no answers to the others yet. The figures of all of them are worked out by hand (scenario.py).
NOT_SIMULATED = {
    "clicks_by_button",
    "clicks_daily",
    "compare_templates",
    "ctr_by_label",
    "ctr_by_number",
    "fatigue",
    "freshness",
    "funnel_by_number",
    "journey",
    "messages_to_resend",
    "meta_template_analytics",
    "numbers_to_suppress",
    "opt_out_rate",
    "template_and_number_events",
    "tickets",
    "time_to_click",
    "week_over_week",
}


class Engine(Protocol):
    """What runs a query."""

    def run(self, statement: Statement, values: list[str]) -> Result: ...


def uncovered(truth: dict[str, Any]) -> set[str]:
    """The queries of which the truth says nothing although it should."""
    return {path.stem for path in query_files()} - {case.split("@")[0] for case in truth["queries"]} - NOT_SIMULATED


def differences(engine: Engine, truth: dict[str, Any]) -> list[str]:
    """Every case that differs from the truth in a column, a row or a value, and how."""
    window = {name: str(truth["parameters"][name]) for name in ("from", "to")}
    found = []
    for case, expected in sorted(truth["queries"].items()):
        statement = find_query(case.split("@")[0])
        result = engine.run(statement, bind(statement, {**window, **expected.get("parameters", {})}))
        rows = plain_rows(result.rows)
        if result.columns != expected["columns"]:
            found.append(f"{case}: columns {result.columns}, expected {expected['columns']}")
        elif rows != expected["rows"]:
            wrong = [(row, true) for row, true in zip(rows, expected["rows"], strict=False) if row != true]
            found.append(
                f"{case}: {len(rows)} rows, expected {len(expected['rows'])}; {len(wrong)} differ; first (answer, "
                f"truth): {wrong[:1]}"
            )
    return found
