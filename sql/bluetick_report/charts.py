"""The charts, as Vega-Lite specifications without data: the page puts the data in, and again when a filter changes.

Colours of text, axes and grid come from the page's style sheet, so that they follow the light, the dark and the
printed page.
"""

from __future__ import annotations

from typing import Any

Spec = dict[str, Any]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
ACCENT = "#2f6fde"
MUTED = "#8593a8"
CONTRAST = "#c2571a"
INTERVAL = "#e8943f"

CONFIG: Spec = {
    "background": None,
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "labelLimit": 220},
    "legend": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"},
}


def _chart(**parts: Any) -> Spec:
    return {
        "$schema": SCHEMA,
        "config": CONFIG,
        "width": "container",
        "autosize": {"type": "fit-x", "contains": "padding"},
        "data": {"name": "table"},
        **parts,
    }


def _percent(field: str, title: str) -> Spec:
    return {"field": field, "type": "quantitative", "title": title, "axis": {"format": ".0%", "tickCount": 8}}


def trend() -> Spec:
    """Messages sent, delivered and clicked by day. Rows: {date, sent, delivered, clicked}."""
    steps = ["sent", "delivered", "clicked"]
    return _chart(
        height=180,
        transform=[{"fold": steps, "as": ["step", "messages"]}],
        mark={"type": "line", "point": True},
        encoding={
            "x": {
                "field": "date",
                "type": "temporal",
                "title": None,
                "timeUnit": "utcyearmonthdate",
                "axis": {"format": "%d %b", "tickMinStep": 86_400_000},
            },
            "y": {
                "field": "messages",
                "type": "quantitative",
                "title": "messages",
                "axis": {"format": "~s", "tickMinStep": 1},
            },
            "color": {
                "field": "step",
                "type": "nominal",
                "title": None,
                "scale": {"domain": steps, "range": [MUTED, ACCENT, CONTRAST]},
                "legend": {"orient": "top"},
            },
            "strokeDash": {"field": "step", "type": "nominal", "title": None, "scale": {"domain": steps}},
            "tooltip": [
                {"field": "date", "type": "temporal", "format": "%Y-%m-%d"},
                {"field": "step"},
                {"field": "messages", "format": ","},
            ],
        },
    )


def rates() -> Spec:
    """CTR with its interval, one bar a name. Rows: {name, ctr, low, high, delivered}."""
    name: Spec = {"field": "name", "type": "nominal", "title": None, "sort": None}
    return _chart(
        height={"step": 24},
        layer=[
            {
                "mark": {"type": "bar", "color": ACCENT, "height": 14},
                "encoding": {
                    "y": name,
                    "x": _percent("ctr", "CTR"),
                    "tooltip": [
                        {"field": "name"},
                        {"field": "ctr", "format": ".2%"},
                        {"field": "low", "format": ".2%"},
                        {"field": "high", "format": ".2%"},
                        {"field": "delivered", "format": ","},
                    ],
                },
            },
            {
                "mark": {"type": "rule", "strokeWidth": 2, "color": INTERVAL},
                "encoding": {"y": name, "x": {"field": "low", "type": "quantitative"}, "x2": {"field": "high"}},
            },
        ],
    )


def funnel() -> Spec:
    """The steps of the funnel. Rows: {step, messages, label, room}: the axis reaches to `room`."""
    step: Spec = {"field": "step", "type": "nominal", "title": None, "sort": None}
    count: Spec = {
        "field": "messages",
        "type": "quantitative",
        "title": "messages",
        "axis": {"format": "~s", "tickMinStep": 1, "tickCount": 8},
    }
    return _chart(
        height={"step": 30},
        layer=[
            {
                "mark": {"type": "bar", "color": ACCENT, "height": 20},
                "encoding": {
                    "y": step,
                    "x": count,
                    "tooltip": [{"field": "step"}, {"field": "messages", "format": ","}],
                },
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 6, "fontSize": 12},
                "encoding": {"y": step, "x": count, "text": {"field": "label", "type": "nominal"}},
            },
            {"mark": {"type": "point", "opacity": 0}, "encoding": {"x": {"field": "room", "type": "quantitative"}}},
        ],
    )


def heat_map() -> Spec:
    """CTR by hour and weekday. Rows: {weekday, hour, ctr, delivered}."""
    days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    return _chart(
        height={"step": 26},
        mark={"type": "rect"},
        encoding={
            "x": {
                "field": "hour",
                "type": "ordinal",
                "title": "local hour of sending",
                "scale": {"domain": list(range(24))},
                "axis": {"labelAngle": 0},
            },
            "y": {"field": "weekday", "type": "ordinal", "title": None, "sort": days, "scale": {"domain": days}},
            "color": {
                "field": "ctr",
                "type": "quantitative",
                "title": "CTR",
                "scale": {"scheme": "viridis"},
                "legend": {"format": ".0%", "orient": "top", "gradientLength": 160},
            },
            "tooltip": [
                {"field": "weekday"},
                {"field": "hour"},
                {"field": "ctr", "format": ".2%"},
                {"field": "delivered", "format": ","},
                {"field": "clicked", "format": ","},
            ],
        },
    )


def failures() -> Spec:
    """Failed messages by class. Rows: {name, messages}."""
    return _chart(
        height={"step": 24},
        mark={"type": "bar", "color": CONTRAST, "height": 14},
        encoding={
            "y": {"field": "name", "type": "nominal", "title": None, "sort": None},
            "x": {
                "field": "messages",
                "type": "quantitative",
                "title": "failed messages",
                "axis": {"format": "~s", "tickMinStep": 1, "tickCount": 8},
            },
            "tooltip": [{"field": "name"}, {"field": "messages", "format": ","}],
        },
    )


def all_charts() -> dict[str, Spec]:
    """Every chart by the id of its place in the page."""
    return {
        "trend": trend(),
        "templates": rates(),
        "buttons": rates(),
        "campaigns": rates(),
        "funnel": funnel(),
        "heatmap": heat_map(),
        "failures": failures(),
    }
