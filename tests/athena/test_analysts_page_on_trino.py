"""docs/analysts.md: the join with the customers of a CSV file answers on Trino what the page says."""

from __future__ import annotations

from pathlib import Path

import analysts_page
from bluetick_sql.statements import Settings
from trino_server import TrinoServer


def test_the_join_with_customers_of_a_file(trino: TrinoServer, tmp_path: Path) -> None:
    engine = trino.database(analysts_page.write_customers_lake(tmp_path / "lake"), Settings("analysts"))
    folder = tmp_path / "customers"
    folder.mkdir()
    (folder / "customers.csv").write_text(analysts_page.CUSTOMERS, encoding="utf-8")
    # Trino's spelling of the table that the page creates in Athena; its CSV format is the same OpenCSVSerde.
    engine.execute("CREATE SCHEMA hive.crm")
    engine.execute(
        "CREATE TABLE hive.crm.customers (phone varchar, segment varchar) WITH (format = 'CSV', "
        f"skip_header_line_count = 1, external_location = '{folder.as_uri()}')"
    )
    for name, expected in analysts_page.ANSWERS.items():
        _, rows, _ = engine.execute(analysts_page.joined(name, engine.settings))
        assert rows == expected, name
    _, rows, _ = engine.execute(analysts_page.statement("count(DISTINCT wa_id)"))
    assert rows == [["button_reply", "Yes", 4, 2]]
