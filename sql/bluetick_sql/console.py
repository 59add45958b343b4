"""The queries of `sql/queries` as texts that Athena's console runs as they are pasted: no `?` is left."""

from __future__ import annotations

import re
import textwrap

from .statements import OPTIONAL_DATES, Settings, Statement, StatementError, is_needed

# Of the texts, comments and marks of a statement, only a `?` outside the others is a parameter.
_TOKEN = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/|\?", re.DOTALL)
_REPORT_DAYS, _LOOKUP_DAYS = 7, 30
_WIDTH = 120
# What to put in place of '' where a parameter is no date.
_MEANINGS = {
    "account_id": "a WhatsApp Business account id",
    "phone_number_id": "Meta's id of a business number",
    "message_ids": "message ids, separated by commas",
    "templates": "names of templates, separated by commas",
    "campaigns": "ids of campaigns, separated by commas",
    "registration_id": "the id of a registration",
    "event_id": "the id of an event",
    "guest_id": "the id of a guest",
    "recipient_id": "a phone number, digits only, or a user id",
    "template_name": "the name of a template",
    "standalone": "true or false",
    "status": "sent, delivered, read, failed or deleted",
}


def pasted(statement: Statement, settings: Settings) -> str:
    """The query with a header of comments and a default in place of each `?`; `settings` fills the `${…}`.

    Days are counted back from the present day in the time zone of `settings`: a report asks for the seven days that
    ended yesterday, a look-up for the last thirty days and today. Any other parameter is an empty text: a filter takes
    it for "any", and the header names those without which a query finds nothing. Raises StatementError if the header
    names another number of parameters than the text has, or one whose meaning is not in this module.
    """
    names = iter(statement.parameters)

    def value(match: re.Match[str]) -> str:
        if match[0] != "?":
            return match[0]
        name = next(names, None)
        if name is None:
            raise StatementError(f"{statement.name} has more ? than its header names: name each in Parameters:")
        return f"/* {name} */ {_default(statement, name, settings.timezone)}"

    body = _TOKEN.sub(value, statement.body)
    if (left := next(names, None)) is not None:
        raise StatementError(f"{statement.name} has no ? for its parameter {left}: correct Parameters:")
    return settings.fill(f"{_header(statement, settings.timezone)}\n{body.strip().rstrip(';').rstrip()}\n")


def _default(statement: Statement, name: str, timezone: str) -> str:
    if name not in ("from", "to"):
        return "''"
    is_lookup = statement.name in OPTIONAL_DATES
    days = (_LOOKUP_DAYS if is_lookup else _REPORT_DAYS) if name == "from" else 0 if is_lookup else 1
    return f"CAST(date(at_timezone(current_timestamp, '{timezone}')) - INTERVAL '{days}' DAY AS varchar)"


def _header(statement: Statement, timezone: str) -> str:
    lines = [f"{statement.name}: {statement.question}"]
    if "from" in statement.parameters:
        span = (
            f"the last {_LOOKUP_DAYS} days and today"
            if statement.name in OPTIONAL_DATES
            else f"the {_REPORT_DAYS} days that ended yesterday"
        )
        lines.append(
            f"As it stands it asks for {span} ({timezone}). For other days, put a day such as '2026-11-01' in place "
            "of the CAST behind /* from */ and of the one behind /* to */."
        )
    lines += [_explained(statement, name) for name in statement.parameters if name not in ("from", "to")]
    lines.append(_definitions(statement))
    wrapped = [part for line in lines if line for part in textwrap.wrap(line, _WIDTH - 3, break_long_words=False)]
    return "\n".join(f"-- {line}" for line in wrapped)


def _explained(statement: Statement, name: str) -> str:
    meaning = _MEANINGS.get(name)
    if meaning is None:
        raise StatementError(f"the parameter {name} of {statement.name} has no meaning in console.py: add it there")
    if is_needed(statement, name):
        return f"/* {name} */: put {meaning} between the quotes behind it; without one the query finds nothing."
    return f"/* {name} */: '' is any; or put {meaning} between the quotes."


def _definitions(statement: Statement) -> str:
    """The rest of the header: what the columns mean."""
    lines = [line[2:].strip() for line in statement.text.splitlines() if line.startswith("--")]
    return " ".join(line for line in lines if not line.startswith(("Question:", "Parameters:")))
