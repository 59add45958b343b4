"""The expressions on which DuckDB is put right are answered by Trino as the tests of the local engine say."""

from __future__ import annotations

import pytest

from bluetick_sql.rows import plain_rows
from bluetick_sql.statements import Settings
from bluetick_sql.trino_client import TrinoEngine
from differences import ANSWERS
from trino_server import TrinoServer


@pytest.mark.parametrize("name", ANSWERS)
def test_trino_answers_so(trino: TrinoServer, name: str) -> None:
    text, values, expected = ANSWERS[name]
    _, rows, _ = TrinoEngine(Settings(database="default"), "127.0.0.1", trino.port).execute(text, values)
    assert plain_rows(rows) == expected
