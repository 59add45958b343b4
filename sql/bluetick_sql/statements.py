"""The statements of `sql/`: where they lie, what their headers say, and how `${…}` is filled in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

SQL_ROOT = Path(__file__).resolve().parent.parent

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ZONE = re.compile(r"[A-Za-z0-9_+\-/]+")


class StatementError(ValueError):
    """The caller named a statement or a parameter that does not exist, or gave a value that cannot be."""


@dataclass(frozen=True)
class Settings:
    """What `${…}` stands for. `lake` is a URL without a slash at the end."""

    database: str = "bluetick"
    lake: str = ""
    timezone: str = "UTC"
    attribution_hours: int = 72
    first_day: str = "2009-01-01"

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.database):
            raise StatementError(f"{self.database!r} is no name of a database")
        if not _ZONE.fullmatch(self.timezone):
            raise StatementError(f"{self.timezone!r} is no name of a time zone")
        if not 1 <= self.attribution_hours <= 720:
            raise StatementError("attribution_hours must lie between 1 and 720")

    def fill(self, text: str) -> str:
        """The text with every `${name}` replaced.

        Raises StatementError for a name that is no setting: nothing is ever run with a placeholder left in it.
        """

        def value(match: re.Match[str]) -> str:
            name = match.group(1)
            if name not in self.__dataclass_fields__:
                raise StatementError(f"${{{name}}} is no setting")
            return str(getattr(self, name))

        return _PLACEHOLDER.sub(value, text)


@dataclass(frozen=True)
class Statement:
    """One file: its name, its text, and from its header the question and the names of the `?` in their order."""

    name: str
    text: str
    question: str = ""
    parameters: tuple[str, ...] = field(default=())

    @property
    def body(self) -> str:
        """The text without the comment on top."""
        lines = self.text.splitlines()
        start = next((i for i, line in enumerate(lines) if line.strip() and not line.startswith("--")), len(lines))
        return "\n".join(lines[start:])


def read_statement(path: Path) -> Statement:
    """Reads one file. The header's `Parameters:` line names the `?` first, then, behind a semicolon, the `${…}`."""
    text = path.read_text(encoding="utf-8")
    header = [line[2:].strip() for line in text.splitlines() if line.startswith("--")]
    question = next((line.removeprefix("Question:").strip() for line in header if line.startswith("Question:")), "")
    declared = next((line.removeprefix("Parameters:") for line in header if line.startswith("Parameters:")), "")
    positional = declared.split(";")[0]
    parameters = tuple(name for name in re.findall(r"[a-z_]+", _PLACEHOLDER.sub("", positional)))
    return Statement(path.stem, text, question, parameters)


def ddl_files() -> list[Path]:
    """The files that create the database and the tables, the database first."""
    files = sorted((SQL_ROOT / "ddl").glob("*.sql"))
    return sorted(files, key=lambda path: path.stem != "database")


def view_files() -> list[Path]:
    """The views, each after those that it reads: the number in front of a name gives the order."""
    return sorted((SQL_ROOT / "views").glob("*.sql"))


def query_files() -> list[Path]:
    """The queries."""
    return sorted((SQL_ROOT / "queries").glob("*.sql"))


def find_query(name: str) -> Statement:
    """The query of this name; StatementError with the names there are if there is none."""
    for path in query_files():
        if path.stem == name:
            return read_statement(path)
    names = ", ".join(path.stem for path in query_files())
    raise StatementError(f"no query is named {name!r}; there are: {names}")


def bind(statement: Statement, values: dict[str, str]) -> list[str]:
    """The values of the `?` in their order. A filter that is not given is empty; a date must be given."""
    unknown = sorted(set(values) - set(statement.parameters))
    if unknown:
        takes = ", ".join(statement.parameters)
        raise StatementError(f"{statement.name} has no parameter {', '.join(unknown)}; it takes: {takes}")
    bound = []
    for name in statement.parameters:
        value = values.get(name, "")
        if name in ("from", "to") and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            raise StatementError(f"{name} must be a date such as 2026-11-20, not {value!r}")
        bound.append(value)
    if values.get("from", "") > values.get("to", "9"):
        raise StatementError("from lies after to")
    return bound
