"""Every query reads the partitions of its window only, by Trino's own plan."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from bluetick_sql.console import pasted
from bluetick_sql.reach import reach_of_query
from bluetick_sql.statements import LAST_DAY, Settings, bind, query_files, read_statement
from plans import Scan, scans, with_values
from random_lake import write_random_lake
from test_same_answers import FILTERS, NEEDED
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


def _outside(scan: Scan, last_day: date = _LAST, first_day: date = _FIRST) -> bool:
    """Whether it reads a partition before `first_day` or after `last_day`."""
    return not scan.ranges or any(
        first < first_day.isoformat() or last > last_day.isoformat() for first, last in scan.ranges
    )


def test_the_plan_reads_the_window_only(trino: TrinoServer, tmp_path: Path) -> None:
    engine = trino.database(write_random_lake(tmp_path, 5, 400), Settings("pruning"))
    unbounded = scans(engine, engine.settings.fill(_UNBOUNDED))
    assert any(_outside(scan) for scan in unbounded), "the control reads every partition"
    wide: list[str] = []
    missed: list[str] = []
    for path in query_files():
        statement = read_statement(path)
        given = {**NEEDED, **FILTERS.get(statement.name, [{}])[0], **WINDOW}
        values = bind(statement, {name: value for name, value in given.items() if name in statement.parameters})
        found = scans(engine, with_values(statement, values, engine.settings))
        assert found, statement.name
        # A look-up takes facts of any age.
        last = LAST_DAY if "${include:lookup}" in path.read_text(encoding="utf-8") else _LAST
        wide += [
            f"{statement.name}: {scan.table} at {scan.ranges[:1]}…{scan.ranges[-1:]}"
            for scan in found
            if _outside(scan, last)
        ]
        # DuckDB opens what `reach` holds and no more: that must be all that the query reads.
        reach = reach_of_query(statement, values, engine.settings)
        missed += [
            f"{statement.name}: {dt} of {scan.table}"
            for scan in found
            for dates in scan.ranges
            for dt in dates
            if not reach.holds(dt)
        ]
    assert not missed, "\n".join(missed)
    assert not wide, "\n".join(wide)


def test_saved_queries_of_the_console_read_their_days_only(trino: TrinoServer, tmp_path: Path) -> None:
    settings = Settings("console", timezone="Asia/Kolkata")
    engine = trino.database(write_random_lake(tmp_path, 5, 50), settings)
    _, [[today]], _ = engine.execute("SELECT current_date")
    # Their windows are the last seven or thirty days; a day more, because the local day is another one than Trino's.
    first = today - timedelta(days=30 + 33 + 30 + 1)
    wide: list[str] = []
    for path in query_files():
        found = scans(engine, pasted(read_statement(path), settings))
        assert found, path.stem
        last = LAST_DAY if "${include:lookup}" in path.read_text(encoding="utf-8") else today + timedelta(days=9)
        wide += [
            f"{path.stem}: {scan.table} at {scan.ranges[:1]}…{scan.ranges[-1:]}"
            for scan in found
            if _outside(scan, last, first)
        ]
    assert not wide, "\n".join(wide)
