"""The generated part of the dbt project: its sources, and the models that repeat pieces of `sql/common`.

A model holds the SQL of both engines, Athena's as it stands in `sql/` and DuckDB's as the runner translates it; dbt
takes that of the target.
"""

from __future__ import annotations

import re
from typing import Any

import sqlglot

from bluetick_sql.duck import translate
from bluetick_sql.schema import read_tables
from bluetick_sql.statements import SQL_ROOT, Settings, column_comments, read_statement, view_files

from .text import shared_text, to_yaml

_HEADER = "# Generated from sql/ by `make integrations`: do not edit.\n"
_SCHEMA = "bluetick"

# Names that pass the translation as identifiers or inside of literals, and the Jinja that replaces them.
_MARKS = {
    "mark_from": "'{{ first_day() }}'",
    "mark_to": "'{{ last_day() }}'",
    "mark_account": "'{{ var(\"account_id\") }}'",
    "mark_number": "'{{ var(\"phone_number_id\") }}'",
    "mark_hours": '{{ var("attribution_hours") | int }}',
    "mark_zone": '{{ var("timezone") }}',
    "mark_day": '{{ var("earliest_day") }}',
}
_VALUES = {"from": "mark_from", "to": "mark_to", "account_id": "mark_account", "phone_number_id": "mark_number"}

# Models that are inlined where they are used: nothing of a person is stored by them.
_PIECES = {
    "sent_messages": "WITH ${include:cohort}\nSELECT * FROM sent_messages",
    "local_clicks": "WITH ${include:events}\nSELECT * FROM local_clicks",
}
COUNTS = ("message_counts", "click_counts", "failure_counts")


class _Marks(Settings):
    """Settings that fill in marks instead of values."""

    def fill(self, text: str) -> str:
        names = {
            "database": _SCHEMA,
            "attribution_hours": "mark_hours",
            "timezone": "mark_zone",
            "first_day": "mark_day",
        }
        for name, mark in names.items():
            text = text.replace(f"${{{name}}}", mark)
        return super().fill(text)


def files(_settings: Settings) -> dict[str, str]:
    """Path under `integrations/` -> text. The settings are variables of the project, so no value enters a file."""
    found = {"dbt/models/sources.yml": _HEADER + to_yaml(_sources())}
    for name, body in _PIECES.items():
        header = "-- Parameters: from, to, account_id, phone_number_id\n"
        found[f"dbt/models/{name}.sql"] = _piece(shared_text(header + body, _Marks(), _VALUES))
    for name in COUNTS:
        found[f"dbt/models/{name}.sql"] = _counts(name)
    return found


def _jinja(text: str) -> str:
    text = re.sub(rf"\b{_SCHEMA}\.(\w+)", r"{{ source('bluetick', '\1') }}", text)
    for mark, jinja in _MARKS.items():
        text = text.replace(mark, jinja)
    return text


def _piece(athena: str) -> str:
    duckdb = sqlglot.parse_one(translate(athena), read="duckdb").sql(dialect="duckdb", pretty=True)
    return (
        "{#- Generated from sql/common by `make integrations`: do not edit. -#}\n"
        "{{ config(materialized='ephemeral') }}\n"
        "{% if target.type == 'duckdb' %}\n"
        f"{_jinja(duckdb).strip()}\n"
        "{% else %}\n"
        f"{_jinja(athena).strip()}\n"
        "{% endif %}\n"
    )


def _counts(name: str) -> str:
    """The counts over the inlined model instead of over the piece that it repeats. Both engines take this text."""
    body = read_statement(SQL_ROOT / "bluetick_tools" / f"{name}.sql", lambda piece: f"piece_{piece}").body
    select = re.sub(r"^WITH piece_\w+\n", "", body)
    select = re.sub(r"\bFROM (sent_messages|local_clicks)\b", r"FROM {{ ref('\1') }}", select)
    select = re.sub(r"\$\{database\}\.(\w+)", r"{{ source('bluetick', '\1') }}", select)
    return "{#- Generated from sql/bluetick_tools by `make integrations`: do not edit. -#}\n" + select.strip() + "\n"


def _sources() -> dict[str, Any]:
    tables = [
        {
            "name": table.name,
            "description": table.comment,
            "columns": [
                {"name": column.name, "description": column.comment} for column in (*table.columns, table.partition)
            ],
        }
        for table in read_tables()
    ]
    for path in view_files():
        statement = read_statement(path)
        comments = column_comments(statement).items()
        tables.append(
            {
                "name": path.stem.split("_", 1)[1],
                "description": statement.text.splitlines()[0].removeprefix("-- "),
                "columns": [{"name": name, "description": comment} for name, comment in comments],
            }
        )
    source = {
        "name": "bluetick",
        "description": "The tables of the lake and the views of sql/views.",
        "database": "{{ var('source_database') or target.database }}",
        "schema": "{{ var('source_schema') }}",
        "tables": tables,
    }
    return {"version": 2, "sources": [source]}
