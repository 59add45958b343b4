"""Compares what an engine answers with the truth: that of the simulator's `truth.json`, and that of its facts."""

from __future__ import annotations

import json
import math
from typing import Any, Protocol

from bluetick_sql.rate_card import read_rate_card
from bluetick_sql.rows import Result, plain_rows
from bluetick_sql.statements import Settings, Statement, bind, find_query, query_files
from truth_of_facts import answers

# Square roots and sums of rounded terms differ in the last digits between formulas that are equal on paper.
_ROUNDED = ("compare_templates", "compare_campaigns")
_TOLERANCE = 1e-9


class Engine(Protocol):
    """What runs a query."""

    settings: Settings

    def run(self, statement: Statement, values: list[str]) -> Result: ...


def uncovered(truth: dict[str, Any]) -> set[str]:
    """The queries of which the truth says nothing. There must be none."""
    known = truth["queries"].keys() | answers(truth, []).keys()
    return {path.stem for path in query_files()} - {case.split("@")[0] for case in known}


def differences(engine: Engine, truth: dict[str, Any]) -> list[str]:
    """Every case that differs from the truth in a column, a row or a value, and how."""
    window = {name: str(truth["parameters"][name]) for name in ("from", "to")}
    cases = truth["queries"] | answers(truth, read_rate_card(engine.settings.rate_card))
    found = []
    for case, expected in sorted(cases.items()):
        statement = find_query(case.split("@")[0])
        result = engine.run(statement, bind(statement, {**window, **expected.get("parameters", {})}))
        rows = comparable(statement.name, plain_rows(result.rows))
        if result.columns != expected["columns"]:
            found.append(f"{case}: columns {result.columns}, expected {expected['columns']}")
        elif not equal(statement.name, rows, expected["rows"]):
            wrong = [(row, true) for row, true in zip(rows, expected["rows"], strict=False) if row != true]
            found.append(
                f"{case}: {len(rows)} rows, expected {len(expected['rows'])}; {len(wrong)} differ; first (answer, "
                f"truth): {wrong[:1]}"
            )
    return found


def comparable(name: str, rows: list[list[Any]]) -> list[list[Any]]:
    """The rows; those of events of one time in one order, and their JSON in one spelling."""
    if name != "template_and_number_events":
        return rows
    if [row[0] for row in rows] != sorted(row[0] for row in rows):
        raise AssertionError(f"{name} is not in the order of time")
    return sorted(([*row[:-1], json.dumps(json.loads(row[-1]), sort_keys=True)] for row in rows), key=repr)


def equal(name: str, rows: list[list[Any]], true: list[list[Any]]) -> bool:
    """Whether rows are those of the truth; the intervals of comparisons up to 1e-9."""
    if name not in _ROUNDED:
        return rows == true
    return len(rows) == len(true) and all(
        a == b or (isinstance(a, float) and isinstance(b, float) and math.isclose(a, b, abs_tol=_TOLERANCE))
        for row, expected in zip(rows, true, strict=True)
        for a, b in zip(row, expected, strict=True)
    )
