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

import price_scenario
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

Each file of `sql/queries` is a query that answers one question. Athena and Trino run the file unchanged. DuckDB runs a translation of it on a local lake:

    make query Q=ctr_by_button FROM=2026-11-01 TO=2026-11-20 TZ=Asia/Kolkata [FORMAT=table|csv|json|parquet] [LAKE=dir] [ENGINE=duckdb|trino|athena]
    make query Q=message_log FROM=2026-11-01 TO=2026-11-20 PARAMS='event_id=E1 template_name="Spring sale"'

[metrics.md](metrics.md) defines every column; this page repeats the definitions in short. In Athena's
console each query is a saved query, which runs as it stands ([analysts.md](analysts.md)). Each query is also a prepared statement. The section
of each query lists its parameters in the order of the `?` in the statement, as in `EXECUTE ctr_by_template USING '2026-11-01', '2026-11-20', '', ''`. An empty
text means no filter. The parameters `from` and `to` are the first and the last
day of the report. SQL that several queries share is in `sql/common` and is included in each statement.

The definitions use these words of [metrics.md](metrics.md):

- *delivered\\** is a message that was delivered, read, played, clicked or answered; *read\\** is a message that was read, played, clicked or answered.
- A *clickable message* is a message with buttons, or whose buttons are unknown.
- A *click for CTR* is a click on a reply button, a quick reply, a row of a list, a flow or a link.
- An *attributed click* is a click for CTR that names a message and happened from 24 hours before to `attribution_hours` (default 72) after the message
  was sent.

`make query-docs` generates this page. The sample answers come from two small lakes of the tests. They cover 10 and 11 November 2026, as local days of
Asia/Kolkata.

"""  # noqa: E501 (a page of Markdown)

_READ = """## What they read

The table shows how many bytes each query reads on Trino, on a lake with {rows:,} rows a month ({size:.0f} MB of Parquet, zstd). The second column is for a
report of one local day, the third for a report of a month. Both include the days around the report that a query must read. The last column is the price of
the report of a month on Athena, at $5 per TB. Athena bills at least 10 MB for each query ($0.00005).

For one day, a query about messages that were sent on this day reads 11 partitions of each table that it uses. It also reads three columns of `statuses`
and two of `sends` in 30 more partitions, to recognise messages that were sent before the window ([metrics.md](metrics.md), part 5). A query about events
that happened on this day, such as `clicks_by_button`, reads three partitions. Trino computes a WITH clause again at each use, so a query that uses
the messages two or three times, such as `ctr_by_button`, reads them two or three times.

| query | one day, MB | month, MB | Athena, month |
|---|---|---|---|
"""  # noqa: E501 (a page of Markdown)


def _table(measured: dict[str, Any]) -> str:
    lines = []
    for path in query_files():
        name, cells = path.stem, measured["queries"][path.stem]
        dollars = max(cells["month_bytes"], _LEAST_BYTES) * _DOLLARS_A_BYTE
        lines.append(
            f"| `{name}` | {cells['day_bytes'] / 1e6:.1f} | {cells['month_bytes'] / 1e6:.1f} | ${dollars:.5f} |"
        )
    return "\n".join(lines) + "\n"


def _definition(statement: Statement) -> str:
    lines = [line[2:].strip() for line in statement.text.splitlines() if line.startswith("--")]
    told = [line for line in lines if not line.startswith(("Question:", "Parameters:", "Definitions:"))]
    return " ".join(told).replace("${attribution_hours}", "72").replace("*", "\\*")


def _sample(engine: DuckEngine, statement: Statement) -> str:
    cases = EXPECTED | price_scenario.EXPECTED
    case = next((case for case in cases if case.split("@")[0] == statement.name), None)
    values = bind(statement, {**WINDOW, **(cases[case][0] if case else {})})
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
        settings = Settings(timezone=TIMEZONE, rate_card=price_scenario.CARD)
        lake = LocalLake(write_lake(Path(directory) / "messages", ROWS))
        prices = LocalLake(write_lake(Path(directory) / "prices", price_scenario.ROWS))
        with DuckEngine(lake, settings) as messages_engine, DuckEngine(prices, settings) as prices_engine:
            for path in query_files():
                statement = read_statement(path)
                engine = prices_engine if statement.name in price_scenario.EXPECTED else messages_engine
                sample = "".join(f"    {line}\n" for line in _sample(engine, statement).splitlines())
                parts.append(
                    f"\n## {statement.name}\n\n**{statement.question}** Parameters: "
                    f"{', '.join(statement.parameters)}.\n\n"
                    f"{_definition(statement)}\n\n{sample}"
                )
    return "".join(parts)


if __name__ == "__main__":
    DOCS.write_text(page(), encoding="utf-8")
