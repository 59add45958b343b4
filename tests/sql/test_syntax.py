"""Every file of sql/ is one statement that its dialect's parser takes: Trino's for queries and views, Hive's for DDL.

The parser is sqlglot's, which also takes what other engines allow. `OTHER_ENGINES` lists such spellings, and they are
refused here. Trino itself, which runs each query and view in `make test-athena`, finds the rest.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp
from sqlglot.tokens import TokenType

from bluetick_sql.statements import Settings, ddl_files, query_files, read_statement, view_files

SETTINGS = Settings("whatsapp_analytics", "s3://bucket/lake", "Asia/Kolkata", 72)


# Spellings of other engines that sqlglot takes for Trino's and Hive's, as tokens with one space between them.
OTHER_ENGINES = re.compile(
    r"::|==|, FROM\b|, \)|DISTINCT ON|(?:INTERVAL|TIMESTAMP|DATE) \d|\) FILTER \( (?!WHERE)|GROUP\b(?! BY)|AS END\b"
    r"|VIEW \w+(?: \. \w+)? (?:SELECT|WITH)"
)


def spelled(text: str, dialect: str) -> str:
    """The text as tokens with one space between them; literals of text become `''`."""
    tokens = sqlglot.tokenize(text, dialect=dialect)
    return " ".join("''" if token.token_type == TokenType.STRING else token.text.upper() for token in tokens)


def parsed(text: str, dialect: str) -> exp.Expression:
    """The one statement of a text. Raises ParseError or ValueError for anything else."""
    if found := OTHER_ENGINES.search(spelled(text, dialect)):
        raise ValueError(f"not of {dialect}: {found.group()}")
    statements = [statement for statement in sqlglot.parse(text, dialect=dialect) if statement is not None]
    if len(statements) != 1:
        raise ValueError(f"{len(statements)} statements instead of one")
    # sqlglot keeps what it cannot parse as a command without structure.
    if isinstance(statements[0], exp.Command):
        raise ValueError(f"not understood: {text[:80]}")
    return statements[0]


@pytest.mark.parametrize("path", [*view_files(), *query_files()], ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_queries_and_views_parse_as_trino(path: Path) -> None:
    statement = parsed(SETTINGS.fill(read_statement(path).text), "trino")
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
        ("trino", "SELECT count(*) FILTER (WHERE a) FROM t", "SELECT count(*) FILTER (a) FROM t"),
        ("trino", "SELECT a, b FROM t", "SELECT a, b, FROM t"),
        ("trino", "SELECT a FROM t GROUP BY a", "SELECT a FROM t GROUP"),
        ("trino", "SELECT a AS ending FROM t", "SELECT a AS end FROM t"),
        ("trino", "SELECT a FROM t WHERE a = 1", "SELECT a FROM t WHERE a == 1"),
        ("trino", "SELECT INTERVAL '72' HOUR FROM t", "SELECT INTERVAL 72 HOUR FROM t"),
        ("trino", "SELECT CAST(a AS varchar) FROM t", "SELECT a::varchar FROM t"),
        ("trino", "SELECT DISTINCT a FROM t", "SELECT DISTINCT ON (a) a FROM t"),
        ("trino", "CREATE OR REPLACE VIEW d.v AS SELECT 1", "CREATE OR REPLACE VIEW d.v SELECT 1"),
        ("hive", "CREATE TABLE t (a string)", "CREATE TABLE t (a string,)"),
        ("hive", "CREATE TABLE t (a string) LOCATION 's3://b/t/'", "CREATE TABLE t (a string LOCATION 's3://b/t/'"),
    ],
)
def test_the_parser_tells_right_from_wrong(dialect: str, right: str, wrong: str) -> None:
    """The control: the second of each pair is wrong by a detail."""
    parsed(right, dialect)
    with pytest.raises((sqlglot.ParseError, ValueError)):
        parsed(wrong, dialect)
