"""Questions and a dashboard for Metabase, as `scripts/import_metabase.py` sends them to its API.

Metabase's own import of files is part of its paid edition, so the open edition is reached by its API.
"""

from __future__ import annotations

import uuid
from typing import Any

from bluetick_sql.statements import Settings

from .panels import PANELS, RATES, SUMMARY, TITLE, Panel
from .text import query_text, to_json

# Metabase puts a literal or a bound value in place of {{name}}. It leaves out a part in [[…]] whose variable is
# empty, so that without days the questions cover the last 28. `coalesce` takes two values at least.
EXPRESSIONS = {
    "from": "coalesce([[CAST({{from}} AS date),]] date_add('day', -28, date(current_date)), current_date)",
    "to": "coalesce([[CAST({{to}} AS date),]] date_add('day', -1, date(current_date)), current_date)",
    "account_id": "coalesce([[{{account_id}},]] '', '')",
    "phone_number_id": "coalesce([[{{phone_number_id}},]] '', '')",
}
_LABELS = {"from": "First day", "to": "Last day", "account_id": "Account", "phone_number_id": "Number"}
_NAMESPACE = uuid.UUID("7f1c3f0e-0b39-5f52-9a4f-6a7f7a0b6c11")
_WIDTH = 24


def files(settings: Settings) -> dict[str, str]:
    """Path under `integrations/` -> text."""
    content = {"name": TITLE, "description": SUMMARY, "parameters": _parameters(), "questions": _questions(settings)}
    return {"metabase/dashboard.json": to_json(content)}


def _parameters() -> list[dict[str, Any]]:
    return [
        {"id": name, "slug": name, "name": label, "type": "date/single" if name in ("from", "to") else "category"}
        for name, label in _LABELS.items()
    ]


def _questions(settings: Settings) -> list[dict[str, Any]]:
    questions, row = [], 0
    for index, panel in enumerate(PANELS):
        left = index % 2 == 0
        place = {"row": row, "col": 0 if left else _WIDTH // 2, "size_x": _WIDTH // 2, "size_y": 8}
        questions.append({**_question(panel, settings), "place": place})
        row += 0 if left else 8
    return questions


def _question(panel: Panel, settings: Settings) -> dict[str, Any]:
    sql = query_text(panel.query, settings, EXPRESSIONS)
    used = [name for name in _LABELS if f"{{{{{name}}}}}" in sql]
    display = "line" if panel.kind == "lines" else "table"
    wanted = [*([panel.day] if panel.day else []), *panel.columns]
    looks: dict[str, Any] = {
        "column_settings": {
            f'["name","{name}"]': {"number_style": "percent", "decimals": 1} for name in panel.columns if name in RATES
        }
    }
    if display == "line":
        looks |= {"graph.dimensions": [panel.day], "graph.metrics": list(panel.columns)}
    else:
        looks["table.columns"] = [{"name": name, "enabled": True} for name in wanted]
    return {
        "name": panel.title,
        "display": display,
        "sql": sql,
        "template_tags": {name: _tag(panel, name) for name in used},
        "visualization_settings": looks,
    }


def _tag(panel: Panel, name: str) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid5(_NAMESPACE, f"{panel.query}/{name}")),
        "name": name,
        "display-name": _LABELS[name],
        "type": "date" if name in ("from", "to") else "text",
    }
