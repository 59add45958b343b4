"""The lake read by engines that are not ours: types and rows."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet
import pytest

import local_pipeline

ARROW = {
    "string": pa.string(),
    "timestamp": pa.timestamp("ms", tz="UTC"),
    "bigint": pa.int64(),
    "boolean": pa.bool_(),
    "array<string>": pa.list_(pa.field("element", pa.string())),
    "map<string,string>": pa.map_(pa.string(), pa.string()),
}
DUCKDB = {
    "string": "VARCHAR",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "bigint": "BIGINT",
    "boolean": "BOOLEAN",
    "array<string>": "VARCHAR[]",
    "map<string,string>": "MAP(VARCHAR, VARCHAR)",
}


@pytest.fixture(scope="module")
def schema() -> dict[str, list[dict[str, str]]]:
    printed = subprocess.run(
        [local_pipeline.BLUETICK, "schema", "--json"], check=True, capture_output=True, text=True
    ).stdout
    return {table["table"]: table["columns"] for table in json.loads(printed) if table["format"] == "parquet"}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("readers")
    with local_pipeline.server(place / "raw") as port:
        assert {local_pipeline.post_sample(port, sample) for sample in local_pipeline.all_samples()} == {200}
    local_pipeline.run(place / "raw", place / "lake")
    return place / "lake"


def parts(lake: Path, table: str) -> list[Path]:
    manifests = (lake / "manifest" / table).rglob("symlink.txt")
    return [Path(uri.removeprefix("file://")) for manifest in manifests for uri in manifest.read_text().splitlines()]


def test_pyarrow_reads_every_column_with_its_type(lake: Path, schema: dict[str, list[dict[str, str]]]) -> None:
    for table, columns in schema.items():
        assert parts(lake, table), table
        for part in parts(lake, table):
            read = pyarrow.parquet.ParquetFile(part)
            assert [(field.name, field.type) for field in read.schema_arrow] == [
                (column["name"], ARROW[column["type"]]) for column in columns
            ]
            rows = read.read()
            group = read.metadata.row_group(0)
            for number in range(read.metadata.num_columns):
                column = group.column(number)
                # A column of nulls and one value takes a few bytes: it may be uncompressed.
                name = column.path_in_schema.split(".")[0]
                is_constant = len({str(value) for value in rows[name].to_pylist() if value is not None}) <= 1
                assert column.compression == "ZSTD" or (is_constant and column.compression == "UNCOMPRESSED"), name
            times = read.schema.column(0)
            assert (times.physical_type, times.name) == ("INT64", "event_ts")
            assert json.loads(times.logical_type.to_json()) | {
                "isAdjustedToUTC": True,
                "timeUnit": "milliseconds",
            } == json.loads(times.logical_type.to_json())


def test_duckdb_reads_every_column_with_its_type(lake: Path, schema: dict[str, list[dict[str, str]]]) -> None:
    for table, columns in schema.items():
        described = duckdb.read_parquet([str(part) for part in parts(lake, table)], hive_partitioning=False)
        assert list(zip(described.columns, map(str, described.types), strict=False)) == [
            (column["name"], DUCKDB[column["type"]]) for column in columns
        ]
        assert len(described.fetchall()) == sum(
            pyarrow.parquet.read_metadata(part).num_rows for part in parts(lake, table)
        )


def test_the_rows_are_those_of_the_samples(lake: Path) -> None:
    rows = [row for part in parts(lake, "clicks") for row in pyarrow.parquet.ParquetFile(part).read().to_pylist()]
    kinds = sorted((row["kind"], row["provider"]) for row in rows)
    assert kinds == [
        ("button_reply", "meta"),
        ("button_reply", "wasender"),
        ("button_reply", "woosh"),
        ("flow_reply", "meta"),
        ("link_click", "interakt"),
        ("list_reply", "meta"),
        ("quick_reply", "interakt"),
        ("quick_reply", "meta"),
    ]
    sends = [row for part in parts(lake, "sends") for row in pyarrow.parquet.ParquetFile(part).read().to_pylist()]
    assert {tuple(row["buttons"] or ()) for row in sends if row["template_name"] == "order_update"} == {
        ("track", "help")
    }
