"""A dashboard of Grafana for its Athena data source, in the JSON that Grafana imports.

The settings are variables of the dashboard, so one file serves every deployment. The days of the time picker are the
local days of the report: the dashboard is in UTC, and `$__timeFrom` is midnight of the first day chosen.
"""

from __future__ import annotations

from typing import Any

from bluetick_sql.statements import Settings

from .panels import PANELS, RATES, SUMMARY, TITLE, Panel
from .text import query_text, to_json

# Macros of the data source; sqlstring is a format of Grafana that quotes a text and doubles the quotes in it.
EXPRESSIONS = {
    "from": "$__timeFrom",
    "to": "$__timeTo",
    "account_id": "${account_id:sqlstring}",
    "phone_number_id": "${phone_number_id:sqlstring}",
}
# Grafana and the SQL of `sql/` write variables alike.
SETTINGS = ("database", "timezone", "attribution_hours", "first_day")

_SOURCE = {"type": "grafana-athena-datasource", "uid": "${datasource}"}
_TABLE = 1  # the data source's format of an answer that is no series
_WIDTH = 24


class _Variables(Settings):
    """Settings that leave every `${name}` to Grafana."""

    def fill(self, text: str) -> str:
        return text


def files(settings: Settings) -> dict[str, str]:
    """Path under `integrations/` -> text."""
    return {"grafana/dashboard.json": to_json(_dashboard(settings))}


def _dashboard(settings: Settings) -> dict[str, Any]:
    panels, row = [], 0
    for number, panel in enumerate(PANELS, 1):
        height = {"numbers": 4, "lines": 9, "table": 9}[panel.kind]
        half = panel.kind != "numbers"
        left = half and len(panels) % 2 == 0
        panels.append(
            _panel(number, panel, {"h": height, "w": _WIDTH // 2 if half else _WIDTH, "x": 12 if left else 0, "y": row})
        )
        row += height if left or not half else 0
    return {
        "title": TITLE,
        "description": SUMMARY,
        "uid": "bluetick",
        "tags": ["bluetick"],
        "editable": True,
        "schemaVersion": 39,
        "timezone": "utc",
        "time": {"from": "now-28d/d", "to": "now-1d/d"},
        "refresh": "",
        "templating": {"list": _variables(settings)},
        "annotations": {"list": []},
        "panels": panels,
    }


def _variables(settings: Settings) -> list[dict[str, Any]]:
    constants = [
        {"type": "constant", "name": name, "query": str(getattr(settings, name)), "hide": 2} for name in SETTINGS
    ]
    filters = [
        {"type": "textbox", "name": name, "label": label, "query": "", "current": {"text": "", "value": ""}}
        for name, label in (("account_id", "Account"), ("phone_number_id", "Number"))
    ]
    return [
        {"type": "datasource", "name": "datasource", "label": "Data source", "query": _SOURCE["type"]},
        *filters,
        *constants,
    ]


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    sql = query_text(panel.query, _Variables(), EXPRESSIONS)
    kind = {"numbers": "stat", "lines": "timeseries", "table": "table"}[panel.kind]
    wanted = [*([panel.day] if panel.day else []), *panel.columns]
    result: dict[str, Any] = {
        "id": number,
        "type": kind,
        "title": panel.title,
        "datasource": _SOURCE,
        "gridPos": place,
        "targets": [
            {
                "refId": "A",
                "datasource": _SOURCE,
                "format": _TABLE,
                "rawSQL": sql,
                "connectionArgs": {"region": "__default", "catalog": "__default", "database": "__default"},
            }
        ],
        "transformations": [{"id": "filterFieldsByName", "options": {"include": {"names": wanted}}}],
        "fieldConfig": {"defaults": {}, "overrides": [_percent(name) for name in panel.columns if name in RATES]},
        "options": {},
    }
    if panel.kind == "numbers":
        result["options"] = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "/.*/", "values": False}}
    return result


def _percent(column: str) -> dict[str, Any]:
    return {
        "matcher": {"id": "byName", "options": column},
        "properties": [{"id": "unit", "value": "percentunit"}, {"id": "decimals", "value": 1}],
    }
