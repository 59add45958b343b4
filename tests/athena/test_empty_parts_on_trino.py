"""Parts without rows, which the sweep and erasures add, as the engine reads them through the manifests."""

from __future__ import annotations

import pytest
from trino.exceptions import TrinoExternalError

from bluetick_sql.statements import Settings, bind, find_query
from bluetick_sql.trino_client import TrinoEngine
from empty_parts import (
    ERASED_DAY,
    FENCED_DAY,
    MESSAGES,
    LakeWithEmptyParts,
    manifest,
    write_lake_with_empty_parts,
)
from trino_server import TrinoServer


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> LakeWithEmptyParts:
    return write_lake_with_empty_parts(tmp_path_factory.mktemp("empty"))


@pytest.fixture(scope="module")
def engine(trino: TrinoServer, made: LakeWithEmptyParts) -> TrinoEngine:
    return trino.database(made.root, Settings("empty_parts"))


def _messages(engine: TrinoEngine, day: str) -> list[str]:
    return [row[0] for row in engine.execute(f"SELECT message_id FROM statuses WHERE dt = '{day}' ORDER BY 1")[1]]


def test_the_rows_beside_the_fence_are_read(engine: TrinoEngine) -> None:
    assert _messages(engine, FENCED_DAY) == MESSAGES
    counted = f"SELECT count(*), max(event_ts), count(status) FROM statuses WHERE dt = '{FENCED_DAY}'"
    assert [row[0::2] for row in engine.execute(counted)[1]] == [[len(MESSAGES), len(MESSAGES)]]


def test_a_partition_with_only_an_empty_part_has_no_rows(engine: TrinoEngine) -> None:
    assert _messages(engine, ERASED_DAY) == []
    assert engine.execute(f"SELECT count(*) FROM statuses WHERE dt = '{ERASED_DAY}'")[1] == [[0]]


def test_the_empty_part_is_read_at_all(engine: TrinoEngine, made: LakeWithEmptyParts) -> None:
    """The control: without the file the query fails, so the engine does look for it."""
    kept = made.erased.with_suffix(".kept")
    made.erased.rename(kept)
    try:
        with pytest.raises(TrinoExternalError):
            _messages(engine, ERASED_DAY)
    finally:
        kept.rename(made.erased)


def test_a_query_runs_over_both_days(engine: TrinoEngine) -> None:
    statement = find_query("funnel_daily")
    rows = engine.run(statement, bind(statement, {"from": FENCED_DAY, "to": ERASED_DAY})).rows
    assert [(str(row[0]), row[1]) for row in rows] == [(FENCED_DAY, len(MESSAGES))]


def test_a_manifest_without_a_line_has_no_rows(trino: TrinoServer, made: LakeWithEmptyParts) -> None:
    """The lake never writes one; `bluetick verify` reports it as lost."""
    engine = trino.database(made.root, Settings("empty_manifest"))
    file = manifest(made.root, FENCED_DAY)
    before = file.read_text(encoding="utf-8")
    file.write_text("", encoding="utf-8")
    try:
        assert _messages(engine, FENCED_DAY) == []
        assert engine.execute("SELECT count(*) FROM statuses")[1] == [[0]]
    finally:
        file.write_text(before, encoding="utf-8")
