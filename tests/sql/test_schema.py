"""The DDL agrees with the lake's own definition of its tables, column by column: name, order, type and comment."""

from __future__ import annotations

import json
import subprocess

from bluetick_sql.ddl import read_tables
from bluetick_sql.statements import SQL_ROOT, query_files, read_statement, view_files
from local_pipeline import BLUETICK


def test_ddl_and_arrow_schema_agree() -> None:
    said = subprocess.run([BLUETICK, "schema", "--json"], check=True, capture_output=True, text=True).stdout
    defined = {
        table["table"]: [(column["name"], column["type"], column["doc"]) for column in table["columns"]]
        for table in json.loads(said)
    }
    written = {
        table.name: [(column.name, column.type, column.doc) for column in table.columns]
        for table in read_tables(SQL_ROOT / "ddl")
        if table.is_parquet
    }
    assert written == defined


def test_every_table_is_a_symlink_table_by_day() -> None:
    for table in read_tables(SQL_ROOT / "ddl"):
        assert [(column.name, column.type) for column in table.partitions] == [("dt", "string")]
        if table.name == "rejections":
            assert not table.is_parquet
            assert table.input_format == "org.apache.hadoop.mapred.TextInputFormat"
            assert table.location == "${lake}/rejections/"
        else:
            assert table.is_parquet
            assert table.input_format == "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat"
            assert table.location == f"${{lake}}/manifest/{table.name}/"
        # 2009: what the lake refuses as too old. One day ahead: what it refuses as too young.
        assert table.properties["projection.dt.range"] == "2009-01-01,NOW+1DAYS"
        assert table.properties["projection.dt.format"] == "yyyy-MM-dd"


def test_each_header_names_the_parameters_in_their_order() -> None:
    for path in query_files():
        statement = read_statement(path)
        body = statement.body
        assert statement.question.endswith("?"), path.stem
        assert len(statement.parameters) == body.count("?"), path.stem
        assert statement.parameters[:2] == ("from", "to"), path.stem
        assert body.count("from_date = ?") == statement.parameters.count("from") == statement.parameters.count("to"), (
            path.stem
        )


def test_views_come_after_those_that_they_read() -> None:
    seen: set[str] = set()
    names = {path.stem.split("_", 1)[1] for path in view_files()}
    for path in view_files():
        read = {
            name
            for name in names
            if f"${{database}}.{name}" in read_statement(path).body and name != path.stem.split("_", 1)[1]
        }
        assert read <= seen, path.stem
        seen.add(path.stem.split("_", 1)[1])
