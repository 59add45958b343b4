"""Measures on Trino what each query reads of a lake of 30 days and 3 million rows; writes JSON for docs/queries.md.

    make measure-query-bytes [QUERIES="ctr_total …"]

With names of queries it measures these alone and puts them into the file that is there.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bluetick_sql.statements import Settings, bind, find_query, query_files, read_statement
from large_lake import write_large_lake
from trino_server import TrinoServer

WINDOW = {"from": "2025-06-12", "to": "2025-06-12"}
MONTH = {"from": "2025-06-01", "to": "2025-06-30"}


def measure(work: Path, names: list[str]) -> dict[str, Any]:
    """Bytes and seconds of each query, or of those named, over one day and over the whole month.

    And the size of the lake.
    """
    lake = work / "lake"
    lake.mkdir()
    rows = write_large_lake(lake)
    size = sum(path.stat().st_size for path in lake.glob("data/**/*.parquet"))
    print(f"{rows} rows, {size} bytes", file=sys.stderr)
    server = TrinoServer(work / "trino")
    found: dict[str, dict[str, float]] = {}
    try:
        engine = server.database(lake, Settings("large", "", "Asia/Kolkata", 72))
        for statement in [find_query(name) for name in names] or [read_statement(path) for path in query_files()]:
            cells: dict[str, float] = {}
            for name, window in (("day", WINDOW), ("month", MONTH)):
                started = time.monotonic()
                result = engine.run(statement, bind(statement, window))
                cells[f"{name}_seconds"] = round(time.monotonic() - started, 1)
                cells[f"{name}_bytes"] = result.bytes_read or 0
            print(statement.name, cells, file=sys.stderr, flush=True)
            found[statement.name] = cells
    finally:
        server.stop()
    return {"rows": rows, "bytes": size, "queries": found}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        target, names = Path(sys.argv[1]), sys.argv[2:]
        measured = measure(Path(directory), names)
        if names:
            before = json.loads(target.read_text(encoding="utf-8"))["queries"]
            measured["queries"] = dict(sorted({**before, **measured["queries"]}.items()))
        target.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
