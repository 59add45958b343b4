"""A dashboard of Apache Superset with its database, data sets and charts, in the YAML that Superset exports and
imports.

Each panel is a virtual data set with the query as it stands. Jinja puts the days of the dashboard's time filter into
it, so Superset's feature flag ENABLE_TEMPLATE_PROCESSING must be on.
"""

from __future__ import annotations

import uuid
from typing import Any

from bluetick_sql.statements import LAST_DAY, Settings, find_query

from .columns import columns_of
from .panels import PANELS, RATES, SUMMARY, TITLE, Panel
from .text import to_yaml, with_expressions

ROOT = "superset/bluetick"
TIME_FILTER = "NATIVE_FILTER-days"
DEFAULT_DAYS = "DATEADD(DATETIME('today'), -28, day) : today"
_NAMESPACE = uuid.UUID("b9f0a9f8-5f0d-5c49-8d1e-6a0f7a9f2d52")
_URI = "awsathena+rest://@athena.eu-west-1.amazonaws.com:443/{database}?work_group={database}"
_VERSION = "1.0.0"
_GRID = 12
_KINDS = {"lines": "echarts_timeseries_line", "table": "table"}


def _id(name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, name))


def _jinja(settings: Settings) -> tuple[str, dict[str, str]]:
    """The line before the query, and the expressions of its days. Superset's range ends before its second time."""
    line = f'{{% set days = get_time_filter(default="{DEFAULT_DAYS}", strftime="%Y-%m-%d %H:%M:%S") %}}\n'
    first = f"TIMESTAMP '{{{{ days.from_expr or \"{settings.first_day} 00:00:00\" }}}}'"
    last = f"TIMESTAMP '{{{{ days.to_expr or \"{LAST_DAY} 23:59:59\" }}}}'"
    return line, {"from": first, "to": f"{last} - INTERVAL '1' SECOND"}


def data_set_text(panel: Panel, settings: Settings) -> str:
    """The SQL of a panel's data set, with Jinja for its days."""
    line, days = _jinja(settings)
    return line + with_expressions(find_query(panel.query), settings, days)


def files(settings: Settings) -> dict[str, str]:
    """Path under `integrations/` -> text."""
    types = columns_of([find_query(panel.query) for panel in PANELS], settings)
    found: dict[str, Any] = {
        "metadata": {"version": _VERSION, "type": "Dashboard", "timestamp": "2026-01-01T00:00:00+00:00"},
        "databases/Bluetick": _database(settings),
    }
    charts: list[list[tuple[str, str, int]]] = []
    for panel, columns in zip(PANELS, types, strict=True):
        found[f"datasets/Bluetick/{panel.query}"] = _data_set(panel, columns, settings)
        row = []
        for name, chart in _charts(panel):
            found[f"charts/{name}"] = chart
            row.append(
                (
                    chart["uuid"],
                    chart["slice_name"],
                    _GRID // 2 if panel.kind != "numbers" else _GRID // len(panel.columns),
                )
            )
        charts.append(row)
    found["dashboards/engagement"] = _dashboard(charts)
    return {f"{ROOT}/{path}.yaml": to_yaml(content) for path, content in found.items()}


def _database(settings: Settings) -> dict[str, Any]:
    return {
        "database_name": "Bluetick",
        "sqlalchemy_uri": _URI.format(database=settings.database),
        "cache_timeout": None,
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "extra": {"metadata_params": {}, "engine_params": {}, "allows_virtual_table_explore": True},
        "uuid": _id("database"),
        "version": _VERSION,
    }


def _data_set(panel: Panel, columns: dict[str, str], settings: Settings) -> dict[str, Any]:
    return {
        "table_name": panel.query,
        "main_dttm_col": None,
        "description": find_query(panel.query).question,
        "schema": settings.database,
        "sql": data_set_text(panel, settings),
        "params": None,
        "template_params": None,
        "filter_select_enabled": True,
        "extra": None,
        "uuid": _id(f"dataset/{panel.query}"),
        "metrics": [
            {"metric_name": "row_count", "expression": "count(*)", "metric_type": "count", "verbose_name": "rows"}
        ],
        "columns": [
            {
                "column_name": name,
                "type": kind,
                "is_dttm": kind in ("DATE", "TIMESTAMP"),
                "is_active": True,
                "groupby": True,
                "filterable": True,
            }
            for name, kind in columns.items()
        ],
        "version": _VERSION,
        "database_uuid": _id("database"),
    }


def _metric(column: str) -> dict[str, Any]:
    """The query has one row for each value of the axis, so the largest value is the value."""
    return {"expressionType": "SQL", "sqlExpression": f'max("{column}")', "label": column, "hasCustomLabel": True}


def _charts(panel: Panel) -> list[tuple[str, dict[str, Any]]]:
    if panel.kind == "numbers":
        return [
            (
                f"{panel.query}_{column}",
                _chart(
                    panel,
                    column.replace("_", " "),
                    "big_number_total",
                    f"{panel.query}_{column}",
                    {
                        "metric": _metric(column),
                        "y_axis_format": ".1%" if column in RATES else ",d",
                        "header_font_size": 0.4,
                    },
                ),
            )
            for column in panel.columns
        ]
    params: dict[str, Any]
    if panel.kind == "lines":
        params = {
            "x_axis": panel.day,
            "time_grain_sqla": "P1D",
            "metrics": [_metric(column) for column in panel.columns],
            "groupby": [],
            "row_limit": 10_000,
            "show_legend": True,
            "rich_tooltip": True,
            "x_axis_time_format": "%Y-%m-%d",
            "y_axis_format": ".1%" if set(panel.columns) <= RATES else ",d",
        }
    else:
        params = {
            "query_mode": "raw",
            "all_columns": list(panel.columns),
            "row_limit": 1000,
            "table_timestamp_format": "%Y-%m-%d %H:%M",
            "column_config": {name: {"d3NumberFormat": ".1%"} for name in panel.columns if name in RATES},
        }
    return [(panel.query, _chart(panel, panel.title, _KINDS[panel.kind], panel.query, params))]


def _chart(panel: Panel, title: str, kind: str, name: str, params: dict[str, Any]) -> dict[str, Any]:
    return {
        "slice_name": title,
        "viz_type": kind,
        "params": {"viz_type": kind, "adhoc_filters": [], **params},
        "query_context": None,
        "cache_timeout": None,
        "uuid": _id(f"chart/{name}"),
        "version": _VERSION,
        "dataset_uuid": _id(f"dataset/{panel.query}"),
    }


def _rows(charts: list[list[tuple[str, str, int]]]) -> list[list[tuple[str, str, int]]]:
    """Charts of full width stay in a row of their own; of the others two share a row."""
    rows: list[list[tuple[str, str, int]]] = []
    for row in charts:
        if len(row) == 1 and rows and len(rows[-1]) == 1:
            rows[-1] += row
        else:
            rows.append(list(row))
    return rows


def _dashboard(charts: list[list[tuple[str, str, int]]]) -> dict[str, Any]:
    position: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": [], "parents": ["ROOT_ID"]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": TITLE}},
    }
    for index, row in enumerate(_rows(charts)):
        key = f"ROW-{index}"
        position["GRID_ID"]["children"].append(key)
        position[key] = {
            "type": "ROW",
            "id": key,
            "children": [f"CHART-{chart}" for chart, _, _ in row],
            "parents": ["ROOT_ID", "GRID_ID"],
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
        for chart, title, width in row:
            position[f"CHART-{chart}"] = {
                "type": "CHART",
                "id": f"CHART-{chart}",
                "children": [],
                "parents": ["ROOT_ID", "GRID_ID", key],
                "meta": {
                    "uuid": chart,
                    "chartId": len(position),  # any number of its own; the import replaces it
                    "sliceName": title,
                    "width": width,
                    "height": 20 if width < _GRID // 2 else 50,
                },
            }
    return {
        "dashboard_title": TITLE,
        "description": SUMMARY,
        "css": "",
        "slug": "bluetick",
        "uuid": _id("dashboard"),
        "position": position,
        "metadata": {
            "native_filter_configuration": [_time_filter()],
            "cross_filters_enabled": False,
            "color_scheme": "supersetColors",
        },
        "published": True,
        "version": _VERSION,
    }


def _time_filter() -> dict[str, Any]:
    return {
        "id": TIME_FILTER,
        "type": "NATIVE_FILTER",
        "filterType": "filter_time",
        "name": "Days",
        "description": "Local days on which the messages were sent; the second time is not included",
        "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
        "targets": [{}],
        "cascadeParentIds": [],
        "controlValues": {"enableEmptyFilter": False},
        "defaultDataMask": {
            "extraFormData": {"time_range": DEFAULT_DAYS},
            "filterState": {"value": DEFAULT_DAYS},
            "ownState": {},
        },
    }
