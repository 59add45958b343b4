"""Every query, from the same text, gives the same answer on Trino as on DuckDB, on lakes full of edges.

Each query is asked on one of the three lakes, because planning takes Trino seconds. `test_truth_on_trino.py` asks all
of them in three zones.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bluetick_sql.duck import DuckEngine
from bluetick_sql.lake import LocalLake
from bluetick_sql.rows import plain_rows
from bluetick_sql.statements import Settings, bind, query_files, read_statement
from random_lake import write_random_lake
from trino_server import TrinoServer

WINDOW = {"from": "2025-03-03", "to": "2025-03-15"}
FILTERS = {
    "message_status": [{"message_ids": ",".join(f"wamid.{n:07d}" for n in range(40))}, {"message_ids": "none"}],
    "journey": [{"recipient_id": f"9198{7:08d}"}],
    "compare_templates": [{"templates": "rsvp_invite,travel_update"}],
    "compare_campaigns": [{"campaigns": "c0,c1,c2"}],
    "message_log": [
        {},
        {"event_id": "event1"},
        {"registration_id": "registration3", "standalone": "false"},
        {"template_name": "rsvp_invite"},
    ],
    "latest_message_of_registration": [{"registration_id": "registration3"}, {"registration_id": "none"}],
}
# What a query needs beside its window.
NEEDED = {
    "message_ids": "wamid.none",
    "templates": "rsvp_invite,travel_update",
    "campaigns": "c0,c1",
    "registration_id": "registration3",
    "recipient_id": "919800000001",
}
CASES = [("utc", "UTC", 72), ("kolkata", "Asia/Kolkata", 72), ("newyork", "America/New_York", 200)]


@pytest.mark.parametrize(("name", "timezone", "hours"), CASES)
def test_trino_and_duckdb_agree(trino: TrinoServer, tmp_path: Path, name: str, timezone: str, hours: int) -> None:
    lake = write_random_lake(tmp_path, seed=len(name), messages=1500)
    settings = Settings(name, "", timezone, hours)
    engine = trino.database(lake, settings)
    differences: list[str] = []
    compared = 0
    with DuckEngine(LocalLake(lake), settings) as duck:
        for path in query_files()[CASES.index((name, timezone, hours)) :: len(CASES)]:
            statement = read_statement(path)
            for case in FILTERS.get(statement.name, [{}]):
                given = {**NEEDED, **WINDOW, **case}
                values = bind(statement, {key: value for key, value in given.items() if key in statement.parameters})
                here, there = duck.run(statement, values), engine.run(statement, values)
                compared += 1
                if here.columns != there.columns or plain_rows(here.rows) != plain_rows(there.rows):
                    pairs = zip(plain_rows(here.rows), plain_rows(there.rows), strict=False)
                    first = next((pair for pair in pairs if pair[0] != pair[1]), None)
                    differences.append(
                        f"{statement.name} {case}: {len(here.rows)} and {len(there.rows)} rows, first difference "
                        f"{first}"
                    )
    assert not differences, "\n".join(differences)
    assert compared >= len(query_files()) // len(CASES)
