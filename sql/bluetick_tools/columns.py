"""The columns of a query and their types, as DuckDB plans it over a lake without rows."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from bluetick_sql.duck import DuckEngine, translate
from bluetick_sql.lake import LocalLake
from bluetick_sql.statements import Settings, Statement

from .text import with_expressions

_DAYS = {"from": "'2026-01-01'", "to": "'2026-01-02'"}


def columns_of(statements: list[Statement], settings: Settings) -> list[dict[str, str]]:
    """Of each statement: name and type of its columns.

    Types: VARCHAR, BIGINT, DOUBLE, BOOLEAN, DATE, TIMESTAMP and others.
    """
    with TemporaryDirectory() as nothing, DuckEngine(LocalLake(Path(nothing)), settings) as engine:
        found = []
        for statement in statements:
            text = translate(with_expressions(statement, settings, _DAYS))
            rows = engine.connection.execute(f"DESCRIBE {text}").fetchall()
            found.append({row[0]: row[1] for row in rows})
        return found
