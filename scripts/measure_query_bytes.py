"""Measures on Trino what each query reads of a lake with 100,000 rows a day; writes JSON for docs/queries.md.

    make measure-query-bytes [QUERIES="ctr_total …"]

With names of queries it measures these alone and puts them into the file that is there.

Trino's plan of a query says which columns of which partitions it reads; the sizes are in the files. Running all
queries over 3 million rows takes an hour and more, so only those of EXECUTED are run: what Trino read must be what its
plan says.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from bluetick_sql.statements import Settings, Statement, bind, find_query, query_files, read_statement
from bluetick_sql.trino_client import TrinoEngine
from large_lake import surround, write_large_lake
from plans import bytes_read, scans, with_values
from trino_server import TrinoServer

WINDOWS = {
    "day": {"from": "2025-06-12", "to": "2025-06-12"},
    "month": {"from": "2025-06-01", "to": "2025-06-30"},
}
# What some queries need beside the window.
NEEDED = {
    "message_ids": "wamid.none",
    "templates": "template_1,template_2",
    "campaigns": "campaign_1,campaign_2",
    "registration_id": "registration-1",
    "recipient_id": "919800000000",
}
EXECUTED = ["clicks_daily", "clicks_by_button"]
# Trino may leave out a chunk whose statistics exclude the filter.
TOLERANCE = 0.01


class PlanError(RuntimeError):
    """Trino read something else than its plan says."""


def _values(statement: Statement, window: str) -> list[str]:
    given = {**NEEDED, **WINDOWS[window]}
    return bind(statement, {name: value for name, value in given.items() if name in statement.parameters})


def _planned(engine: TrinoEngine, lake: Path, statement: Statement) -> dict[str, int]:
    return {
        f"{window}_bytes": bytes_read(
            scans(engine, with_values(statement, _values(statement, window), engine.settings)), lake
        )
        for window in WINDOWS
    }


def _check(engine: TrinoEngine, name: str, planned: dict[str, int]) -> None:
    statement = find_query(name)
    for window in WINDOWS:
        read = engine.run(statement, _values(statement, window)).bytes_read or 0
        expected = planned[f"{window}_bytes"]
        if abs(read - expected) > TOLERANCE * expected:
            raise PlanError(f"{name} over a {window}: Trino read {read} bytes, its plan says {expected}")
        print(f"{name} over a {window}: read {read} bytes, by its plan {expected}", file=sys.stderr)


def measure(work: Path, names: list[str]) -> dict[str, Any]:
    """Bytes of each query, or of those named, over one day and over a month; rows and bytes of this month.

    The lake also has the days before and after the month that queries read.
    """
    lake = work / "lake"
    lake.mkdir()
    rows = write_large_lake(lake)
    size = sum(path.stat().st_size for path in lake.glob("data/**/*.parquet"))
    print(f"{rows} rows, {size} bytes", file=sys.stderr)
    surround(lake)
    server = TrinoServer(work / "trino")
    found: dict[str, dict[str, int]] = {}
    try:
        engine = server.database(lake, Settings("large", "", "Asia/Kolkata", 72))
        for name in EXECUTED:
            _check(engine, name, _planned(engine, lake, find_query(name)))
        for statement in [find_query(name) for name in names] or [read_statement(path) for path in query_files()]:
            found[statement.name] = _planned(engine, lake, statement)
            print(statement.name, found[statement.name], file=sys.stderr, flush=True)
    finally:
        server.stop()
    return {"rows": rows, "bytes": size, "queries": found}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        target, names = Path(sys.argv[1]), sys.argv[2:]
        measured = measure(Path(directory), names)
        if names:
            before = json.loads(target.read_text(encoding="utf-8"))["queries"]
            now = {path.stem for path in query_files()}
            together = {**before, **measured["queries"]}
            measured["queries"] = {name: together[name] for name in sorted(together) if name in now}
        target.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
