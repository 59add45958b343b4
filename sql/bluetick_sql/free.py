"""SQL of the caller's own: a text or a file, beside the queries of `sql/queries`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from .rows import Result
from .statements import SQL_ROOT, Settings, Statement, StatementError, include, parse_statement

# The `?` of a text that does not name them, in the order of the queries of `sql/queries`.
_USUAL = ("from", "to", "account_id", "phone_number_id")


def free_statement(text: str, settings: Settings, name: str = "sql") -> Statement:
    """One statement of Athena's dialect. It may hold `${include:…}`, `${database}` and the other settings.

    A comment line `-- Parameters: from, to` names its `?`; without one, two `?` are from and to, and four are those of
    the queries. Raises StatementError for anything but one statement that can be read.
    """
    statement = parse_statement(name, text.strip().rstrip(";"))
    # Checked as it will run.
    filled = settings.fill(include(statement.text))
    try:
        trees = [tree for tree in sqlglot.parse(filled, read="athena") if tree is not None]
    except SqlglotError as error:
        raise StatementError(f"{name} cannot be read: {_reason(error)}") from error
    if len(trees) != 1:
        raise StatementError(f"{name} holds {len(trees)} statements: give one")
    asked = len(list(trees[0].find_all(exp.Placeholder)))
    parameters = statement.parameters or (_USUAL[:asked] if asked in (0, 2, 4) else ())
    if len(parameters) != asked:
        raise StatementError(
            f"{name} has {asked} ? and names {len(parameters)} parameters: "
            "name each in a comment line, such as -- Parameters: from, to"
        )
    return Statement(name, statement.text, statement.question, parameters)


def free_file(path: Path, settings: Settings) -> Statement:
    """The statement of a file. Raises StatementError if there is no such file or it is no text."""
    # `make` runs the program in the directory of the repository, a person perhaps in another.
    try:
        return free_statement(path.read_text(encoding="utf-8"), settings, path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise StatementError(f"{path} cannot be read: {error}") from error


def is_own_file(name: str) -> bool:
    """Whether a name given for a query is that of a file of the caller."""
    return name.endswith(".sql") and not (SQL_ROOT / "queries" / f"{name}.sql").is_file()


def loosened(result: Result) -> Result:
    """The result with types that queries of `sql/queries` never answer: a decimal as a double, others as text."""
    return Result(result.columns, [_loose(row) for row in result.rows], result.bytes_read)


def _loose(row: Iterable[Any]) -> list[Any]:
    kept = (str, int, float, bool, date, datetime, type(None))
    return [
        float(value) if isinstance(value, Decimal) else value if isinstance(value, kept) else str(value)
        for value in row
    ]


def _reason(error: SqlglotError) -> str:
    found = getattr(error, "errors", None) or [{}]
    where = f" in line {found[0]['line']}, column {found[0]['col']}" if found[0].get("line") else ""
    return f"{found[0].get('description') or 'it is no SQL'}{where}"
