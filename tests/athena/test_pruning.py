"""Every query reads the partitions of its window only, by Trino's own plan (EXPLAIN of type IO)."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bluetick_sql.statements import Settings, Statement, bind, query_files, read_statement
from bluetick_sql.trino_client import TrinoEngine
from random_lake import write_random_lake
from test_same_answers import FILTERS
from trino_server import TrinoServer

WINDOW = {"from": "2025-03-05", "to": "2025-03-06"}
# docs/metrics.md, part 5; unattributed_clicks looks back by the attribution window, too.
_FIRST = date.fromisoformat(WINDOW["from"]) - timedelta(days=33 + 30)
_LAST = date.fromisoformat(WINDOW["to"]) + timedelta(days=8)
# The window as the smallest and the largest of its days: no constants for the planner, so it prunes nothing.
_UNBOUNDED = """
WITH report_window AS (
  SELECT min(day) AS from_date, max(day) AS to_date
  FROM ${database}.calendar
  WHERE day BETWEEN date('2025-03-05') AND date('2025-03-06')
)
SELECT count(*)
FROM ${database}.statuses AS s
CROSS JOIN report_window AS w
WHERE s.dt BETWEEN CAST(date_add('day', -2, date(w.from_date)) AS varchar)
  AND CAST(date_add('day', 8, date(w.to_date)) AS varchar)
"""


def _literals(statement: Statement, values: list[str]) -> str:
    """The statement with its values in place: EXPLAIN takes no parameters."""
    parts = statement.body.split("?")
    return "".join(
        part + (f"'{value}'" if value is not None else "") for part, value in zip(parts, [*values, None], strict=True)
    )


def _partitions(engine: TrinoEngine, text: str) -> list[tuple[str, str, str]]:
    """Each table that the plan reads, with the first and the last dt that it may read.

    Empty texts where there is no bound.
    """
    _, rows, _ = engine.execute("EXPLAIN (TYPE IO, FORMAT JSON) " + text)
    plan: dict[str, Any] = json.loads(rows[0][0])
    found = []
    for table in plan["inputTableColumnInfos"]:
        ranges = [
            bounds
            for column in table["constraint"]["columnConstraints"]
            if column["columnName"] == "dt"
            for bounds in column["domain"]["ranges"]
        ]
        first = min((bounds["low"].get("value", "") for bounds in ranges), default="")
        last = max((bounds["high"].get("value", "") for bounds in ranges), default="")
        found.append((table["table"]["schemaTable"]["table"], first, last))
    return found


def test_the_plan_reads_the_window_only(trino: TrinoServer, tmp_path: Path) -> None:
    engine = trino.database(write_random_lake(tmp_path, 5, 400), Settings("pruning"))
    engine_settings = engine.settings
    unbounded = _partitions(engine, engine_settings.fill(_UNBOUNDED))
    assert any(first < _FIRST.isoformat() or last > _LAST.isoformat() for _, first, last in unbounded), (
        "the control reads every partition"
    )
    wide: list[str] = []
    for path in query_files():
        statement = read_statement(path)
        values = bind(statement, {**WINDOW, **FILTERS.get(statement.name, [{}])[0]})
        filled = Statement(
            statement.name, engine_settings.fill(statement.text), statement.question, statement.parameters
        )
        tables = _partitions(engine, _literals(filled, values))
        assert tables, statement.name
        wide += [
            f"{statement.name}: {table} from {first!r} to {last!r}"
            for table, first, last in tables
            if not _FIRST.isoformat() <= first <= last <= _LAST.isoformat()
        ]
    assert not wide, "\n".join(wide)
