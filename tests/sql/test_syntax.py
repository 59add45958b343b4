"""Every file of sql/ is one statement that its dialect's parser takes: Trino's for queries and views, Hive's for DDL.

The parser is sqlglot's, which is laxer than Trino's. What it lets pass in queries and views is found by Trino itself
(`make test-athena`), which runs each of them.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from bluetick_sql.statements import Settings, ddl_files, query_files, view_files

SETTINGS = Settings("whatsapp_analytics", "s3://bucket/lake", "Asia/Kolkata", 72)


def parsed(text: str, dialect: str) -> exp.Expression:
    """The one statement of a text. Raises ParseError or ValueError for anything else."""
    statements = [statement for statement in sqlglot.parse(text, dialect=dialect) if statement is not None]
    if len(statements) != 1:
        raise ValueError(f"{len(statements)} statements instead of one")
    # sqlglot keeps what it cannot parse as a command without structure.
    if isinstance(statements[0], exp.Command):
        raise ValueError(f"not understood: {text[:80]}")
    return statements[0]


@pytest.mark.parametrize("path", [*view_files(), *query_files()], ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_queries_and_views_parse_as_trino(path: Path) -> None:
    statement = parsed(SETTINGS.fill(path.read_text(encoding="utf-8")), "trino")
    assert isinstance(statement, exp.Create if path.parent.name == "views" else exp.Query)


@pytest.mark.parametrize("path", ddl_files(), ids=lambda path: path.stem)
def test_ddl_parses_as_hive(path: Path) -> None:
    assert isinstance(parsed(SETTINGS.fill(path.read_text(encoding="utf-8")), "hive"), exp.Create)


@pytest.mark.parametrize(
    ("dialect", "right", "wrong"),
    [
        ("trino", "SELECT a FROM t CROSS JOIN UNNEST(b) AS u (c)", "SELECT a FROM t CROSS JOIN UNNEST b AS u (c)"),
        ("trino", "SELECT a FROM t WHERE b = ?", "SELECT a FROM t WHERE b = ??"),
        ("trino", "SELECT a FROM t ORDER BY a NULLS LAST", "SELECT a FROM t ORDER BY a NULL LAST"),
        ("trino", "SELECT a FROM t", "SELECT a FROM t; SELECT a FROM t"),
        ("trino", "SELECT a FROM t WHERE a IN (1, 2)", "SELECT a FROM t WHERE a IN (1, 2"),
        (
            "hive",
            "CREATE TABLE t (a string) TBLPROPERTIES ('x' = 'y')",
            "CREATE TABLE t (a string) TBLPROPERTIES ('x' 'y')",
        ),
        ("hive", "CREATE TABLE t (a string) LOCATION 's3://b/t/'", "CREATE TABLE t (a string LOCATION 's3://b/t/'"),
    ],
)
def test_the_parser_tells_right_from_wrong(dialect: str, right: str, wrong: str) -> None:
    """The control: the second of each pair is wrong by a detail."""
    parsed(right, dialect)
    with pytest.raises((sqlglot.ParseError, ValueError)):
        parsed(wrong, dialect)
