"""Puts the figures into the page: one HTML file without any reference to another."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any

import jinja2

from bluetick_sql.rows import Result, plain, plain_rows

from .charts import all_charts
from .definitions import DEFINITIONS
from .figures import Figures
from .format import cell
from .intervals import wilson
from .sections import CODE, COUNT, DATE, INTERVAL, RATE, SECONDS, SECTIONS, SPREAD, TIME, WEEKDAY, Column, Section

ROWS_SHOWN = 20
# The scheduled report has no vl-convert, which is a hundred times as large: infra/tasks_package.py writes this file.
CHART_LIBRARY = "chart_library.js"


@dataclass(frozen=True)
class Card:
    """One figure at the top of the page, with that of the period before."""

    id: str
    label: str
    value: str
    before: str
    change: str
    definition: str


def _as_dict(result: Result) -> dict[str, Any]:
    if not result.rows:
        return dict.fromkeys(result.columns)
    return dict(zip(result.columns, result.rows[0], strict=True))


def _sum(result: Result, name: str) -> int:
    index = result.columns.index(name)
    return sum(row[index] or 0 for row in result.rows)


def _ratio(part: float | None, whole: float | None) -> float | None:
    return None if not whole or part is None else part / whole


def _count_change(now: int, before: int) -> str:
    if not before:
        return "nothing before" if now else "as before"
    return f"{(now - before) / before * 100:+z.1f} %"


def _rate_change(now: float | None, before: float | None) -> str:
    if now is None or before is None:
        return "no comparison"
    return f"{(now - before) * 100:+z.1f} points"


def cards(figures: Figures) -> list[Card]:
    """The totals of the period beside those of the period before."""
    now = {
        name: _sum(figures.results["funnel_daily"], name) for name in ("sent", "delivered", "read", "replied", "failed")
    }
    before = {name: _sum(figures.before["funnel_daily"], name) for name in now}
    ctr, ctr_before = _as_dict(figures.results["ctr_total"]), _as_dict(figures.before["ctr_total"])
    shown = [
        Card(
            "sent",
            "Sent",
            cell(now["sent"], COUNT),
            cell(before["sent"], COUNT),
            _count_change(now["sent"], before["sent"]),
            "sent",
        )
    ]
    steps = (
        ("delivered", "Delivered", "sent"),
        ("read", "Read", "delivered"),
        ("replied", "Replied", "delivered"),
        ("failed", "Failed", "sent"),
    )
    for name, label, base in steps:
        rate, rate_before = _ratio(now[name], now[base]), _ratio(before[name], before[base])
        value = f"{cell(now[name], COUNT)} · {cell(rate, RATE)}"
        shown.append(
            Card(
                name,
                label,
                value,
                f"{cell(before[name], COUNT)} · {cell(rate_before, RATE)}",
                _rate_change(rate, rate_before),
                name,
            )
        )
    for name, label in (("ctr", "CTR"), ("unique_ctr", "Unique CTR"), ("click_to_read", "Click-to-read")):
        change = _rate_change(ctr[name], ctr_before[name])
        shown.append(Card(name, label, cell(ctr[name], RATE), cell(ctr_before[name], RATE), change, name))
    for place, name, label in ((5, "clicked", "Clicked"), (6, "clicks", "Clicks")):
        count, count_before = ctr[name] or 0, ctr_before[name] or 0
        change = _count_change(count, count_before)
        shown.insert(place, Card(name, label, cell(count, COUNT), cell(count_before, COUNT), change, name))
    return shown


def _shown(column: Column, row: dict[str, Any]) -> tuple[str, Any]:
    """The text of a cell, and the value by which the column is sorted."""
    if column.kind not in (INTERVAL, SPREAD):
        return cell(row[column.name], column.kind), plain(row[column.name])
    first, second = (row[name] for name in column.name.split("/"))
    if column.kind == SPREAD:
        return (
            (cell(None, SECONDS), None)
            if first is None
            else (f"{cell(first, SECONDS)} ({cell(second, SECONDS)})", first)
        )
    bounds = wilson(first or 0, second or 0)
    return (
        (cell(None, RATE), None) if bounds is None else (f"{bounds[0] * 100:.1f} – {bounds[1] * 100:.1f} %", bounds[0])
    )


def _ticket_summary(result: Result) -> str:
    """How many tickets were answered, and how fast: nearest rank, as in the queries."""
    index = result.columns.index("response_seconds")
    answered = sorted(row[index] for row in result.rows if row[index] is not None)
    share = cell(len(answered) / len(result.rows), RATE)
    text = f"{len(answered):,} of {len(result.rows):,} tickets were answered ({share})."
    if not answered:
        return text
    median, ninth = answered[(len(answered) + 1) // 2 - 1], answered[(9 * len(answered) + 9) // 10 - 1]
    return f"{text} Median {cell(median, SECONDS)}, 90th percentile {cell(ninth, SECONDS)}."


def table(section: Section, result: Result) -> dict[str, Any]:
    """A table as the template wants it: each cell a text and its sort key."""
    rows = []
    for values in result.rows[: section.kept]:
        row = dict(zip(result.columns, values, strict=True))
        rows.append(
            [(text, "" if key is None else key) for text, key in (_shown(column, row) for column in section.columns)]
        )
    return {
        "section": section,
        "rows": rows[:ROWS_SHOWN],
        "more": rows[ROWS_SHOWN:],
        "cut": max(0, len(result.rows) - section.kept),
        "summary": _ticket_summary(result) if section.id == "tickets" and result.rows else "",
    }


def embedded(figures: Figures, tables: list[dict[str, Any]]) -> str:
    """The data for the page's script: gzip in Base64. It needs no escape in HTML, and large tables stay small."""
    data = {
        "cube": {"columns": figures.cube.columns, "rows": plain_rows(figures.cube.rows)},
        "results": {
            name: {"columns": result.columns, "rows": plain_rows(result.rows)}
            for name, result in figures.results.items()
            if name
            in {"ctr_by_template", "ctr_by_button", "ctr_by_campaign", "ctr_by_hour", "failures", "funnel_daily"}
        },
        "charts": all_charts(),
        "sections": {
            section.id: [asdict(column) for column in section.columns] for section in SECTIONS if section.follows_filter
        },
        "rowsShown": ROWS_SHOWN,
        # Rows that the page shows on demand: a tenth of their size as HTML.
        "more": {table["section"].id: table["more"] for table in tables if table["more"]},
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.b64encode(gzip.compress(text, mtime=0)).decode()


def _choices(figures: Figures, name: str) -> list[str]:
    index = figures.cube.columns.index(name)
    return sorted({row[index] for row in figures.cube.rows if row[index]})


def chart_library() -> str:
    """The JavaScript that draws the charts: Vega-Lite, from the file that a package has, else from vl-convert."""
    packaged = resources.files("bluetick_report").joinpath(CHART_LIBRARY)
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    import vl_convert

    return vl_convert.javascript_bundle()


def render(figures: Figures, title: str) -> str:
    """The whole page."""
    loader = jinja2.PackageLoader("bluetick_report", ".")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    files = resources.files("bluetick_report")
    tables = [table(section, figures.results[section.query]) for section in SECTIONS]
    return environment.get_template("page.html.j2").render(
        title=title,
        figures=figures,
        cards=cards(figures),
        tables=tables,
        charts=set(all_charts()),
        numeric={COUNT, RATE, SECONDS, INTERVAL, SPREAD},
        fixed={CODE, DATE, TIME, WEEKDAY},
        definitions=DEFINITIONS,
        filters=[
            ("template_name", "Template", _choices(figures, "template_name")),
            ("campaign_id", "Campaign", _choices(figures, "campaign_id")),
            ("phone_number_id", "Business number", _choices(figures, "phone_number_id")),
        ],
        rows_shown=ROWS_SHOWN,
        style=files.joinpath("page.css").read_text(encoding="utf-8"),
        script=files.joinpath("page.js").read_text(encoding="utf-8"),
        library=chart_library().replace("</script", "<\\/script"),
        data=embedded(figures, tables),
    )
