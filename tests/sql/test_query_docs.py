"""docs/queries.md is what the queries say now, and every query's bytes are measured."""

from __future__ import annotations

import json

from bluetick_sql.statements import query_files
from query_docs import DOCS, MEASURED, page


def test_the_page_is_up_to_date() -> None:
    assert DOCS.read_text(encoding="utf-8") == page(), "write it again: make query-docs"


def test_the_bytes_of_every_query_are_measured() -> None:
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    names = {path.stem for path in query_files()}
    missing = sorted(names - set(measured["queries"]))
    assert missing == [], f'run make measure-query-bytes QUERIES="{" ".join(missing)}" and make query-docs'
    assert measured["rows"] >= 3_000_000
    for name, cells in measured["queries"].items():
        assert 0 < cells["day_bytes"] <= cells["month_bytes"] < 6 * measured["bytes"], name
