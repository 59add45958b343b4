"""Trino, the engine that Athena's is built on: the statements as they stand, over its HTTP protocol."""

from __future__ import annotations

from typing import Any

from .rows import Result
from .statements import Settings, Statement, StatementError


class TrinoEngine:
    """Queries of one catalog of a Trino server."""

    def __init__(self, settings: Settings, host: str, port: int, catalog: str = "hive") -> None:
        """Connects at the first query. Raises StatementError if the package `trino` is missing."""
        try:
            from trino.dbapi import connect
        except ImportError as error:
            raise StatementError("ENGINE=trino needs the package trino: run make .venv/ready") from error
        self.settings = settings
        self.connection = connect(
            host=host, port=port, user="bluetick", catalog=catalog, schema=settings.database, timezone="UTC"
        )

    def run(self, statement: Statement, values: list[str]) -> Result:
        """The answer of a query, with the bytes that Trino read from the files."""
        columns, rows, stats = self.execute(self.settings.fill(statement.text), values)
        return Result(columns, rows, stats.get("physicalInputBytes"))

    def progress(self) -> float | None:
        """How far the running query is, is not asked of the server while it answers."""
        return None

    def execute(self, text: str, values: list[str] | None = None) -> tuple[list[str], list[list[Any]], dict[str, Any]]:
        """Any text; its `?` are bound by the server (EXECUTE … USING)."""
        cursor = self.connection.cursor()
        cursor.execute(text, values or None)
        rows = [list(row) for row in cursor.fetchall()]
        columns = [column[0] for column in cursor.description or []]
        return columns, rows, dict(cursor.stats or {})
