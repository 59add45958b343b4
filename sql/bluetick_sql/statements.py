"""The statements of `sql/`: where they lie, what their headers say, and how `${…}` is filled in."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from .errors import StatementError
from .rate_card import read_rate_card, values_of

SQL_ROOT = Path(__file__).resolve().parent.parent
RATE_CARD = SQL_ROOT / "rate_card.csv"

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
_INCLUDE = re.compile(r"\$\{include:(\w+)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ZONE = re.compile(r"[A-Za-z0-9_+\-/]+")


def _is_zone(name: str) -> bool:
    """Whether the machine's database of time zones has the name; true on a machine without one."""
    for known, answer in ((name, True), ("Asia/Kolkata", False)):
        with suppress(KeyError, ValueError, OSError):
            ZoneInfo(known)
            return answer
    return True


@dataclass(frozen=True)
class Settings:
    """What `${…}` stands for. `lake` is a URL without a slash at the end; `rate_card` is a CSV file of prices."""

    database: str = "bluetick"
    lake: str = ""
    timezone: str = "UTC"
    attribution_hours: int = 72
    first_day: str = "2009-01-01"
    rate_card: Path = RATE_CARD

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.database):
            raise StatementError(f"{self.database!r} is no name of a database")
        if not _ZONE.fullmatch(self.timezone):
            raise StatementError(f"{self.timezone!r} is no name of a time zone")
        if not _is_zone(self.timezone):
            raise StatementError(f"there is no time zone {self.timezone!r}: give an IANA name such as Asia/Kolkata")
        if not 1 <= self.attribution_hours <= 720:
            raise StatementError(f"attribution_hours is {self.attribution_hours}: give whole hours from 1 to 720")
        check_date("first_day", self.first_day)

    def fill(self, text: str) -> str:
        """The text with every `${name}` replaced.

        Raises StatementError for a name that is no setting: nothing is ever run with a placeholder left in it.
        """

        def value(match: re.Match[str]) -> str:
            name = match.group(1)
            if name not in self.__dataclass_fields__:
                raise StatementError(f"${{{name}}} is no setting")
            if name == "rate_card":
                return values_of(read_rate_card(self.rate_card))
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


def include(text: str, read: Callable[[str], str] | None = None) -> str:
    """The text with every `${include:name}` replaced by `sql/common/name.sql`, without that file's comments.

    Included files may include others. `read` gives the text of a name instead. Raises StatementError for a name without
    a file.
    """
    read = read or read_common

    def value(match: re.Match[str]) -> str:
        lines = read(match.group(1)).splitlines()
        return include("\n".join(line for line in lines if not line.strip().startswith("--")), read)

    return _INCLUDE.sub(value, text)


def read_common(name: str) -> str:
    """The text of `sql/common/name.sql`. Raises StatementError if there is no such file."""
    path = SQL_ROOT / "common" / f"{name}.sql"
    if not path.is_file():
        raise StatementError(f"${{include:{name}}}: there is no file {path}")
    return path.read_text(encoding="utf-8")


def read_statement(path: Path, read: Callable[[str], str] | None = None) -> Statement:
    """Reads one file and the files that it includes; `read` gives the text of an include instead.

    The header's `Parameters:` line names the `?` first, then, behind a semicolon, the `${…}`.
    """
    return parse_statement(path.stem, path.read_text(encoding="utf-8"), read)


def parse_statement(name: str, text: str, read: Callable[[str], str] | None = None) -> Statement:
    """The statement of a text with a header, and with the files that it includes."""
    text = include(text, read)
    header = [line[2:].strip() for line in text.splitlines() if line.startswith("--")]
    question = next((line.removeprefix("Question:").strip() for line in header if line.startswith("Question:")), "")
    declared = next((line.removeprefix("Parameters:") for line in header if line.startswith("Parameters:")), "")
    positional = declared.split(";")[0]
    parameters = tuple(name for name in re.findall(r"[a-z_]+", _PLACEHOLDER.sub("", positional)))
    return Statement(name, text, question, parameters)


def ddl_files() -> list[Path]:
    """The files that create the database and the tables, the database first."""
    files = sorted((SQL_ROOT / "ddl").glob("*.sql"))
    return sorted(files, key=lambda path: path.stem != "database")


def view_files() -> list[Path]:
    """The views, each after those that it reads: the number in front of a name gives the order."""
    return sorted((SQL_ROOT / "views").glob("*.sql"))


def column_comments(statement: Statement) -> dict[str, str]:
    """The comment of each column of a view, from the lines `-- Column name: comment` of its header, in their order."""
    return dict(re.findall(r"^-- Column (\w+): (.+)$", statement.text, re.MULTILINE))


def query_files() -> list[Path]:
    """The queries."""
    return sorted((SQL_ROOT / "queries").glob("*.sql"))


def find_query(name: str, read: Callable[[str], str] | None = None) -> Statement:
    """The query of this name; StatementError with the names there are if there is none."""
    for path in query_files():
        if path.stem == name:
            return read_statement(path, read)
    names = ", ".join(path.stem for path in query_files())
    raise StatementError(f"no query is named {name!r}; there are: {names}")


# The days of the view `calendar`.
FIRST_DAY, LAST_DAY = date(2009, 1, 1), date(2036, 5, 18)
# Queries whose days may be empty, for any day.
OPTIONAL_DATES = {"message_status", "message_log", "latest_message_of_registration"}

# What a parameter takes, where that is a closed list.
_CHOICES = {"standalone": ("true", "false"), "status": ("sent", "delivered", "read", "failed", "deleted")}
# Parameters that list names or ids, and those without which a query can find nothing.
_LISTS = {"message_ids", "templates", "campaigns"}
_REQUIRED = {"recipient_id": ("journey",), "registration_id": ("latest_message_of_registration",)}


def is_needed(statement: Statement, name: str) -> bool:
    """Whether the query finds nothing without a value of this parameter."""
    return name in _LISTS or statement.name in _REQUIRED.get(name, ())


def check_date(name: str, value: str) -> date:
    """The day that `value` writes as YYYY-MM-DD. Raises StatementError, which names the parameter and what it takes."""
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            raise ValueError
        day = date.fromisoformat(value)
    except ValueError:
        raise StatementError(f"{name} is {value!r}: give a date that exists, such as 2026-11-20") from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise StatementError(f"{name} is {value}: give a day from {FIRST_DAY} to {LAST_DAY}")
    return day


def _checked(statement: Statement, name: str, value: str) -> str:
    if name in ("from", "to"):
        if value or statement.name not in OPTIONAL_DATES:
            check_date(name, value)
        return value
    value = value.strip()
    if name in _CHOICES and value not in ("", *_CHOICES[name]):
        *others, last = _CHOICES[name]
        raise StatementError(f"{name} is {value!r}: give {', '.join(others)} or {last}, or leave it out")
    if name == "recipient_id":
        value = _recipient(value)
    if name in _LISTS:
        value = ",".join(part.strip() for part in value.split(",") if part.strip())
    if not value and is_needed(statement, name):
        several = ", or several with commas between" if name in _LISTS else ""
        raise StatementError(f"{name} is empty: give one{several}, as in --param {name}=…")
    return value


def _recipient(value: str) -> str:
    """Phone numbers are stored as digits; whoever types `+91 98…` means those."""
    digits = re.sub(r"[\s().+-]", "", value)
    return digits if digits.isdigit() else value


def bind(statement: Statement, values: dict[str, str]) -> list[str]:
    """The values of the `?` in their order. A filter that is not given is empty; a report's dates must be given.

    Raises StatementError, whose text says which value is wrong and what is expected.
    """
    unknown = sorted(set(values) - set(statement.parameters))
    if unknown:
        takes = ", ".join(statement.parameters)
        raise StatementError(f"{statement.name} has no parameter {', '.join(unknown)}; it takes: {takes}")
    bound = [_checked(statement, name, values.get(name, "")) for name in statement.parameters]
    first, last = values.get("from", ""), values.get("to", "")
    if first and last and first > last:
        raise StatementError(f"from ({first}) lies after to ({last}): give the first day first")
    return bound
