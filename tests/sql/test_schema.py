"""The tables of `sql/schema.json`, the DDL beside them, and the headers of the queries and views."""

from __future__ import annotations

import re
from pathlib import Path

import sqlglot
from sqlglot import exp

from bluetick_sql.duck import DuckEngine
from bluetick_sql.lake import LocalLake
from bluetick_sql.schema import read_tables
from bluetick_sql.statements import (
    SQL_ROOT,
    Settings,
    Statement,
    column_comments,
    query_files,
    read_statement,
    view_files,
)
from price_scenario import CARD


def test_every_table_is_partitioned_by_day_and_finds_its_rows() -> None:
    for table in read_tables():
        assert (table.partition.name, table.partition.type) == ("dt", "string")
        if table.name == "rejections":
            assert not table.is_parquet
            assert table.input_format == "org.apache.hadoop.mapred.TextInputFormat"
            assert table.location == "${lake}/rejections/"
        else:
            assert table.is_parquet
            assert table.input_format == "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat"
            assert table.location == f"${{lake}}/manifest/{table.name}/"
        assert table.properties["projection.dt.range"] == "${first_day},NOW+1DAYS"
        assert table.properties["projection.dt.format"] == "yyyy-MM-dd"


def test_the_ddl_has_the_columns_that_a_parser_of_hive_finds_in_it() -> None:
    for table in read_tables():
        text = Settings(lake="s3://lake").fill((SQL_ROOT / "ddl" / f"{table.name}.sql").read_text(encoding="utf-8"))
        tree = sqlglot.parse_one(text, read="hive")
        found = [(column.name, column.kind.sql("hive").lower().replace(" ", "")) for column in tree.this.expressions]
        assert found == [(column.name, column.type) for column in table.columns]
        comments = [column.find(exp.CommentColumnConstraint).this.this for column in tree.this.expressions]
        assert comments == [column.comment for column in table.columns]
        properties = {
            item.name: item.args["value"].this
            for item in tree.find_all(exp.Property)
            if item.name.startswith("projection")
        }
        assert properties == {name: Settings().fill(value) for name, value in table.properties.items()}


def test_each_header_names_the_parameters_in_their_order() -> None:
    for path in query_files():
        statement = read_statement(path)
        body = statement.body
        assert statement.question.endswith("?"), path.stem
        assert len(statement.parameters) == body.count("?"), path.stem
        assert statement.parameters[:2] == ("from", "to"), path.stem
        assert len(set(statement.parameters)) == len(statement.parameters), f"{path.stem} asks for a value twice"
        assert body.count("first_day.day = date(") == 1, f"{path.stem} has no window, or two"


def test_parameters_stand_in_where() -> None:
    """Athena binds `?` in WHERE alone."""
    for path in query_files():
        clause = ""
        for word in re.findall(r"[A-Za-z_]+|\?", read_statement(path).body):
            if word == "?":
                assert clause == "WHERE", path.stem
            elif word in ("SELECT", "FROM", "WHERE", "GROUP", "HAVING", "ORDER", "ON"):
                clause = word


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


def test_every_column_of_a_view_has_a_comment_and_a_row_in_the_page(tmp_path: Path) -> None:
    page = (SQL_ROOT / "views" / "README.md").read_text(encoding="utf-8")
    with DuckEngine(LocalLake(tmp_path), Settings(rate_card=CARD)) as engine:
        for path in view_files():
            name = path.stem.split("_", 1)[1]
            found = engine.connection.execute(
                "SELECT column_name, comment FROM duckdb_columns() WHERE schema_name = 'bluetick' AND table_name = ?",
                [name],
            ).fetchall()
            comments = column_comments(read_statement(path))
            assert dict(found) == comments, name
            for column, comment in comments.items():
                assert f"| `{name}` | `{column}` | {comment} |" in page


def test_a_preview_of_every_view_and_table_has_rows(scenario_lake: LocalLake) -> None:
    """What a BI tool does first, on everything that stands in the catalogue."""
    with DuckEngine(scenario_lake, Settings(rate_card=CARD)) as engine:
        names = engine.connection.execute(
            "SELECT view_name FROM duckdb_views() WHERE schema_name = 'bluetick' AND NOT internal"
        ).fetchall()
        assert len(names) == len(view_files()) + len(read_tables())
        for (name,) in names:
            rows = engine.run(Statement("preview", f"SELECT * FROM ${{database}}.{name} LIMIT 10"), []).rows
            assert 0 < len(rows) <= 10, name
