"""docs/queries.md is what the queries say now, and every query's bytes are measured."""

from __future__ import annotations

import json

from bluetick_sql.statements import query_files
from query_docs import DOCS, MEASURED, page


def test_the_page_is_up_to_date() -> None:
    assert DOCS.read_text(encoding="utf-8") == page(), "write it again: make query-docs"


def test_every_query_is_measured() -> None:
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    assert set(measured["queries"]) == {path.stem for path in query_files()}
    assert measured["rows"] >= 3_000_000
    for name, cells in measured["queries"].items():
        # Row groups without a link, or without a lost click, are skipped by their statistics: that lake has none, so 0
        # bytes.
        assert (cells["month_bytes"] > 0) == (name not in ("link_clicks", "lost_clicks")), name
        assert cells["day_bytes"] <= cells["month_bytes"] < 3 * measured["bytes"], name
