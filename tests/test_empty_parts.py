"""pyarrow, DuckDB and the runner of the queries read parts without rows, which the sweep and erasures add."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow.dataset
import pyarrow.parquet
import pytest

from bluetick_sql.duck import DuckEngine
from bluetick_sql.lake import LocalLake
from bluetick_sql.statements import Settings, bind, find_query
from empty_parts import (
    ERASED_DAY,
    FENCED_DAY,
    MESSAGES,
    LakeWithEmptyParts,
    manifest,
    parts_of,
    write_lake_with_empty_parts,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> LakeWithEmptyParts:
    return write_lake_with_empty_parts(tmp_path_factory.mktemp("empty"))


def test_a_part_without_rows_has_all_columns_and_no_row_group(made: LakeWithEmptyParts) -> None:
    (full,) = set(parts_of(made.root, FENCED_DAY)) - {made.fence}
    for empty in (made.fence, made.erased):
        read = pyarrow.parquet.ParquetFile(empty)
        assert (read.metadata.num_rows, read.metadata.num_row_groups) == (0, 0)
        assert read.schema_arrow == pyarrow.parquet.ParquetFile(full).schema_arrow
        assert read.read().num_rows == 0


@pytest.mark.parametrize(("day", "messages"), [(FENCED_DAY, MESSAGES), (ERASED_DAY, [])])
def test_pyarrow_and_duckdb_read_the_partition(made: LakeWithEmptyParts, day: str, messages: list[str]) -> None:
    files = [str(part) for part in parts_of(made.root, day)]
    table = pyarrow.dataset.dataset(files).to_table()
    assert sorted(table.column("message_id").to_pylist()) == messages
    for union_by_name in (False, True):
        rows = duckdb.read_parquet(files, union_by_name=union_by_name).project("message_id").order("1").fetchall()
        assert [row[0] for row in rows] == messages


def _sent(root: Path, day: str) -> list[list[object]]:
    statement = find_query("funnel_daily")
    with DuckEngine(LocalLake(root), Settings()) as engine:
        return [row[:2] for row in engine.run(statement, bind(statement, {"from": day, "to": day})).rows]


def test_the_runner_answers_from_the_rows_that_are_left(made: LakeWithEmptyParts) -> None:
    assert [(str(day), sent) for day, sent in _sent(made.root, FENCED_DAY)] == [(FENCED_DAY, len(MESSAGES))]
    assert _sent(made.root, ERASED_DAY) == []


def test_the_runner_reads_a_manifest_without_a_line_as_no_rows(tmp_path: Path) -> None:
    """The lake never writes one; `bluetick verify` reports it as lost."""
    root = write_lake_with_empty_parts(tmp_path).root
    manifest(root, FENCED_DAY).write_text("", encoding="utf-8")
    assert _sent(root, FENCED_DAY) == []
