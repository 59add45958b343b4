"""The SQL of a query as a tool takes it: with expressions of the tool in place of the `?`."""

from __future__ import annotations

import json
from collections.abc import Mapping

import yaml

from bluetick_sql.errors import StatementError
from bluetick_sql.statements import Settings, Statement, find_query, parse_statement

# What the templates of Superset, dbt, Metabase and Grafana read as their own in a query.
_OPENING = ("{{", "{%", "{#", "[[", "$__")


def query_text(name: str, settings: Settings, values: Mapping[str, str]) -> str:
    """The query of this name, without comments; see `with_expressions`."""
    return with_expressions(find_query(name), settings, values)


def shared_text(body: str, settings: Settings, values: Mapping[str, str]) -> str:
    """A SELECT that includes pieces of `sql/common`, without comments; see `with_expressions`.

    `body` has a header with `-- Parameters:`.
    """
    return with_expressions(parse_statement("shared", body), settings, values)


def with_expressions(statement: Statement, settings: Settings, values: Mapping[str, str]) -> str:
    """The statement with the SQL expression `values[name]` for each `?`; a filter without one asks for everything.

    Raises StatementError if the text has another number of `?` than its header, or has marks of a template.
    """
    lines = [line for line in statement.body.splitlines() if line.strip() and not line.strip().startswith("--")]
    pieces = settings.fill("\n".join(lines)).strip().rstrip(";").split("?")
    if len(pieces) != len(statement.parameters) + 1:
        raise StatementError(f"{statement.name}: {len(pieces) - 1} ? and {len(statement.parameters)} parameters")
    if marks := [mark for mark in _OPENING if any(mark in piece for piece in pieces)]:
        raise StatementError(f"{statement.name}: {', '.join(marks)} would be read as part of a template")
    expressions = [values.get(name, "''") for name in statement.parameters]
    return "".join(piece + value for piece, value in zip(pieces, [*expressions, ""], strict=True)) + "\n"


def to_json(value: object) -> str:
    """JSON as the repository stores it."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


class _Dumper(yaml.SafeDumper):
    """YAML in which texts of several lines are blocks."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: _Dumper, value: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def to_yaml(value: object) -> str:
    """YAML as the repository stores it: keys in their order, SQL as a block."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
