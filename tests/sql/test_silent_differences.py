"""What Trino and DuckDB would answer differently without an error, each at its edge.

Trino's side is run by tests/athena.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bluetick_sql.duck import DuckEngine, TranslationError, translate
from bluetick_sql.lake import LakeError, LocalLake
from bluetick_sql.rows import plain_rows
from bluetick_sql.statements import Settings, Statement
from differences import ANSWERS
from lake_writer import at, write_lake


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> DuckEngine:
    return DuckEngine(LocalLake(tmp_path_factory.mktemp("empty")), Settings())


@pytest.mark.parametrize("name", ANSWERS)
def test_duckdb_answers_as_trino(engine: DuckEngine, name: str) -> None:
    text, values, expected = ANSWERS[name]
    assert plain_rows(engine.run(Statement(name, text), values).rows) == expected


@pytest.mark.parametrize(
    "text",
    [
        "SELECT date_diff('day', a, b) FROM t",
        "SELECT date_diff('second', a, b) FROM t",
        "SELECT approx_percentile(a, 0.5) FROM t",
        "SELECT approx_distinct(a) FROM t",
        "SELECT date_add('hour', 1, a) FROM t",
    ],
)
def test_what_differs_is_refused(text: str) -> None:
    with pytest.raises(TranslationError):
        translate(text)


def test_untranslated_text_would_differ(engine: DuckEngine) -> None:
    """The controls: without the translation DuckDB does answer otherwise, so the tests above can fail."""

    def raw(text: str) -> Any:
        return engine.connection.execute(text).fetchone()[0]  # type: ignore[index]

    assert raw("SELECT arg_min(a, b) FROM (VALUES (NULL, 1), (5, 2)) AS t (a, b)") == 5
    assert raw("SELECT CAST(DATE '2026-11-10' + INTERVAL 1 DAY AS VARCHAR)") == "2026-11-11 00:00:00"
    assert raw("SELECT date_diff('day', TIMESTAMP '2026-11-10 23:59:59', TIMESTAMP '2026-11-11 00:00:00')") == 1
    engine.connection.execute("SET integer_division = false")
    assert raw("SELECT 7 / 2") == 3.5
    engine.connection.execute("SET integer_division = true")


def test_a_partition_of_another_day_is_not_read(tmp_path: Path) -> None:
    """Rows at midnight UTC: dt, as text, compares like a date."""
    rows = [
        {"message_id": f"m{n}", "status": "sent", "event_ts": at(when)}
        for n, when in enumerate(
            ["2026-11-09 23:59:59.999", "2026-11-10 00:00:00", "2026-11-10 23:59:59.999", "2026-11-11 00:00:00"]
        )
    ]
    with DuckEngine(LocalLake(write_lake(tmp_path, {"statuses": rows})), Settings()) as engine:
        text = (
            "SELECT min(event_ts), max(event_ts), count(*) FROM bluetick.statuses"
            " WHERE dt BETWEEN CAST(date_add('day', -1, date('2026-11-11')) AS varchar) AND '2026-11-10'"
        )
        assert plain_rows(engine.run(Statement("midnight", text), []).rows) == [
            ["2026-11-10T00:00:00.000Z", "2026-11-10T23:59:59.999Z", 2]
        ]


def test_a_manifest_on_s3_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "manifest" / "clicks" / "dt=2026-11-10"
    folder.mkdir(parents=True)
    (folder / "symlink.txt").write_text("s3://bucket/data/clicks/dt=2026-11-10/a.parquet\n", encoding="utf-8")
    with pytest.raises(LakeError, match="no local file"):
        LocalLake(tmp_path).files("clicks")


def test_dates_keep_their_type(engine: DuckEngine) -> None:
    result = engine.run(Statement("date", "SELECT date_add('day', 1, DATE '2026-02-28')"), [])
    assert result.rows == [[date(2026, 3, 1)]]
