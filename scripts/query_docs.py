"""Writes docs/queries.md: question, definition, sample, bytes and cost of each query, from the files themselves.

    make query-docs

The samples are the answers on the small lake of `scenario.py`. The bytes are those of
`tests/athena/measured_bytes.json`, which `scripts/measure_query_bytes.py` measures.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from binaries import ROOT
from bluetick_sql.duck import DuckEngine
from bluetick_sql.lake import LocalLake
from bluetick_sql.rows import Result, as_table
from bluetick_sql.statements import Settings, Statement, bind, query_files, read_statement
from lake_writer import write_lake
from scenario import EXPECTED, ROWS, TIMEZONE, WINDOW

MEASURED = ROOT / "tests" / "athena" / "measured_bytes.json"
DOCS = ROOT / "docs" / "queries.md"
_DOLLARS_A_BYTE = 5 / 1e12
_LEAST_BYTES = 10_000_000
_SAMPLE_ROWS = 3

_HEAD = """# Queries

Each file of `sql/queries` answers one question, as it stands on Athena, on Trino, and on a local lake through DuckDB:

    make query Q=ctr_by_button FROM=2026-11-01 TO=2026-11-20 TZ=Asia/Kolkata [FORMAT=table|csv|json] [LAKE=dir] [ENGINE=duckdb|trino|athena]
    make query Q=message_log FROM=2026-11-01 TO=2026-11-20 PARAMS="event_id=E1 standalone=false"

`docs/metrics.md` defines every column. On Athena each query is a prepared statement or a saved query; its `?` take the values that its
header names, each once and in that order, as in `EXECUTE ctr_by_template USING '2026-11-01', '2026-11-20', '', ''`. An empty text is no filter. What
several queries have in common lies in `sql/common` and is part of each statement.

This page is written by `make query-docs`. The samples come from the small lake of the tests (local days of Asia/Kolkata,
10 and 11 November 2026).

"""  # noqa: E501 (a page of Markdown)

_READ = """## What they read

Measured by Trino on a lake of {rows:,} rows in 30 days ({size:.0f} MB of Parquet, zstd): bytes read for one local day and for the whole
month, and the price of the latter on Athena at $5 per TB, at least 10 MB a query ($0.00005). A query that is not listed reads the same tables
as one that is. One day reads 11 partitions of each table, and 30 more of three columns of `statuses` and two of `sends`, to see that a message is
older than the window (metrics.md, part 5).

| query | one day, MB | month, MB | Athena, month |
|---|---|---|---|
"""  # noqa: E501 (a page of Markdown)


def _table(measured: dict[str, Any]) -> str:
    lines = []
    for name, cells in sorted(measured["queries"].items()):
        dollars = max(cells["month_bytes"], _LEAST_BYTES) * _DOLLARS_A_BYTE
        lines.append(
            f"| `{name}` | {cells['day_bytes'] / 1e6:.1f} | {cells['month_bytes'] / 1e6:.1f} | ${dollars:.5f} |"
        )
    return "\n".join(lines) + "\n"


def _definition(statement: Statement) -> str:
    lines = [line[2:].strip() for line in statement.text.splitlines() if line.startswith("--")]
    told = [line for line in lines if not line.startswith(("Question:", "Parameters:"))]
    return " ".join(told).replace("${attribution_hours}", "72")


def _sample(engine: DuckEngine, statement: Statement) -> str:
    case = next((case for case in EXPECTED if case.split("@")[0] == statement.name), None)
    values = bind(statement, {**WINDOW, **(EXPECTED[case][0] if case else {})})
    result = engine.run(statement, values)
    shown = as_table(Result(result.columns, result.rows[:_SAMPLE_ROWS]))
    more = len(result.rows) - _SAMPLE_ROWS
    return shown + (f"({more} more)\n" if more > 0 else "") + ("(no rows)\n" if not result.rows else "")


def page() -> str:
    """The whole page."""
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    parts = [_HEAD]
    if measured["queries"]:
        parts.append(_READ.format(rows=measured["rows"], size=measured["bytes"] / 1e6) + _table(measured))
    with tempfile.TemporaryDirectory() as directory:
        lake = LocalLake(write_lake(Path(directory), ROWS))
        with DuckEngine(lake, Settings(timezone=TIMEZONE)) as engine:
            for path in query_files():
                statement = read_statement(path)
                sample = "".join(f"    {line}\n" for line in _sample(engine, statement).splitlines())
                parts.append(
                    f"\n## {statement.name}\n\n**{statement.question}** Parameters: "
                    f"{', '.join(statement.parameters)}.\n\n"
                    f"{_definition(statement)}\n\n{sample}"
                )
    return "".join(parts)


if __name__ == "__main__":
    DOCS.write_text(page(), encoding="utf-8")
