"""The report without a browser: its figures are those of the queries, and no text of a message can break the page."""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
from datetime import date, timedelta
from pathlib import Path

import pytest

import extreme_lake
from bluetick_report.cohort import DuckQueries
from bluetick_report.figures import TOTALS, collect, query_names
from bluetick_report.format import cell, duration
from bluetick_report.intervals import wilson
from bluetick_report.page import _count_change, _rate_change, render
from bluetick_report.periods import Period
from bluetick_report.queries import Queries
from bluetick_report.sections import INTERVAL, NAME, PAYLOAD, SECTIONS, SPREAD, Section
from bluetick_sql.duck import DuckEngine
from bluetick_sql.lake import LocalLake
from bluetick_sql.rows import Result, plain_rows
from bluetick_sql.statements import Settings
from lake_writer import write_lake
from scenario import ROWS, TIMEZONE, WINDOW
from simulation import simulate
from truth import comparable, equal
from truth_of_facts import answers

PERIOD = Period(date.fromisoformat(WINDOW["from"]), date.fromisoformat(WINDOW["to"]))
LATER = Period(PERIOD.last + timedelta(days=1), PERIOD.last + timedelta(days=PERIOD.days))
HOSTILE = '</script><script>alert(1)</script> \u202eשלום 🎉 "quoted", =1+1'


def silent(_name: str) -> None:
    pass


def page_of(lake: Path, period: Period = PERIOD) -> str:
    settings = Settings(timezone=TIMEZONE)
    with DuckEngine(LocalLake(lake), settings) as engine:
        return render(collect(DuckQueries(engine, period), settings, period, silent), HOSTILE)


def embedded(page: str) -> dict[str, object]:
    text = re.search(r'id="data">([^<]*)<', page)
    assert text is not None
    return json.loads(gzip.decompress(base64.b64decode(text.group(1))))


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lake")
    write_lake(path, ROWS)
    return path


@pytest.mark.parametrize("period", [PERIOD, LATER], ids=["period", "the period is the one before"])
def test_every_query_answers_the_same_over_the_tables(lake: Path, period: Period) -> None:
    settings = Settings(timezone=TIMEZONE)
    with DuckEngine(LocalLake(lake), settings) as engine:
        shared, plain = DuckQueries(engine, period), Queries(engine)
        for name in query_names():
            for asked in (period, period.previous()):
                if asked == period or name in TOTALS:
                    assert shared.ask(name, asked) == plain.ask(name, asked), name


def test_tables_of_another_period_are_noticed(lake: Path) -> None:
    settings = Settings(timezone=TIMEZONE)
    with DuckEngine(LocalLake(lake), settings) as engine:
        right = DuckQueries(engine, PERIOD).ask("funnel_daily", PERIOD)
        day = Period(date(2026, 1, 1), date(2026, 1, 1))
        assert DuckQueries(engine, day).ask("funnel_daily", PERIOD) != right


def shown(page: str) -> dict[str, list[list[str]]]:
    """The cells of every table of the page: those in its HTML, then those that its script adds."""
    more = embedded(page)["more"]
    tables = {}
    for name, body in re.findall(r'<table data-section="([^"]+)">.*?<tbody>(.*?)</tbody>', page, re.DOTALL):
        rows = [
            re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
        ]
        tables[name] = [[html.unescape(text) for text in row] for row in rows]
        tables[name] += [[text for text, _key in row] for row in more.get(name, [])]
    return tables


def expected(section: Section, result: Result) -> list[list[str]]:
    """The cells that a table must show, straight from an answer of its query."""
    found = []
    for values in result.rows:
        row = dict(zip(result.columns, values, strict=True))
        cells = []
        for column in section.columns:
            if column.kind == SPREAD:
                median, ninth = (row[name] for name in column.name.split("/"))
                cells.append("–" if median is None else f"{duration(median)} ({duration(ninth)})")
            elif column.kind == INTERVAL:
                hits, trials = (row[name] for name in column.name.split("/"))
                bounds = wilson(hits or 0, trials or 0)
                cells.append("–" if bounds is None else f"{bounds[0] * 100:.1f} – {bounds[1] * 100:.1f} %")
            else:
                cells.append(cell(row[column.name], column.kind))
        found.append(cells)
    return found


def test_each_table_of_the_page_is_its_query_and_the_query_is_the_truth(tmp_path: Path) -> None:
    """The queries run as they stand, without the tables that the report shares; the simulator tells the truth."""
    simulation = simulate(tmp_path, seed=5, messages=400, days=9, timezone=TIMEZONE, hours=72)
    asked, truth = simulation.truth["parameters"], simulation.truth["queries"] | answers(simulation.truth, [])
    period = Period(date.fromisoformat(asked["from"]), date.fromisoformat(asked["to"]))
    page = page_of(simulation.lake, period)
    tables = shown(page)
    with DuckEngine(LocalLake(simulation.lake), Settings(timezone=TIMEZONE)) as engine:
        plain = Queries(engine)
        for section in SECTIONS:
            answer = plain.ask(section.query, period)
            if section.id in tables:
                assert tables[section.id] == expected(section, answer), section.id
            else:
                assert answer.rows == [], section.id
            rows = comparable(section.query, plain_rows(answer.rows))
            assert equal(section.query, rows, truth[section.query]["rows"]), section.id
        total = dict(zip(truth["ctr_total"]["columns"], truth["ctr_total"]["rows"][0], strict=True))

    daily = [dict(zip(truth["funnel_daily"]["columns"], row, strict=True)) for row in truth["funnel_daily"]["rows"]]
    steps = {name: sum(row[name] for row in daily) for name in ("sent", "delivered", "read", "replied", "failed")}
    cards = dict(re.findall(r'id="card-(\w+)">.*?class="value">([^<]+)<', page, re.DOTALL))
    assert cards == {
        "sent": f"{steps['sent']:,}",
        "delivered": f"{steps['delivered']:,} · {steps['delivered'] / steps['sent'] * 100:.1f} %",
        "read": f"{steps['read']:,} · {steps['read'] / steps['delivered'] * 100:.1f} %",
        "replied": f"{steps['replied']:,} · {steps['replied'] / steps['delivered'] * 100:.1f} %",
        "failed": f"{steps['failed']:,} · {steps['failed'] / steps['sent'] * 100:.1f} %",
        "clicked": f"{total['clicked']:,}",
        "clicks": f"{total['clicks']:,}",
        "ctr": f"{total['ctr'] * 100:.1f} %",
        "unique_ctr": f"{total['unique_ctr'] * 100:.1f} %",
        "click_to_read": f"{total['click_to_read'] * 100:.1f} %",
    }


@pytest.mark.parametrize("name", ["templates", "names", "no-clicks", "one-message", "empty"])
def test_extreme_lakes_give_a_page_of_bounded_size(tmp_path: Path, name: str) -> None:
    day = date.fromisoformat(extreme_lake.DAY)
    page = page_of(extreme_lake.write(tmp_path, name), Period(day, day + timedelta(days=2)))
    assert len(page.encode()) < 3_000_000
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    if name == "templates":
        assert len(shown(page)["templates"]) == 2000


def test_what_a_provider_says_is_shown_without_empty_fields_and_cut() -> None:
    assert cell('{"event": "PAUSED", "reason": null, "of": {"name": "x"}, "n": [1, 2]}', PAYLOAD) == (
        "event: PAUSED · of.name: x · n: 1 · n: 2"
    )
    assert cell("no JSON {", PAYLOAD) == "no JSON {"
    assert cell("[" * 100_000, PAYLOAD).endswith("…")
    assert len(cell("x" * 501, NAME)) == 500


def test_hostile_texts_stay_texts(lake: Path) -> None:
    page = page_of(lake)
    assert "<script>alert" not in page
    assert page.count("<script") == 3
    assert "שלום 🎉" in page


def test_the_page_loads_nothing(lake: Path) -> None:
    page = page_of(lake)
    head = page.split('<script type="text/plain"')[0]
    assert not re.search(r"""(src|href)\s*=\s*["'](?!#)""", head)
    assert "default-src 'none'" in head


def test_the_embedded_cube_adds_up_to_the_queries(lake: Path) -> None:
    data = embedded(page_of(lake))
    cube = data["cube"]
    total = sum(row[cube["columns"].index("sent")] for row in cube["rows"])
    daily = data["results"]["funnel_daily"]
    assert total == sum(row[daily["columns"].index("sent")] for row in daily["rows"])
    assert total > 0


def test_an_empty_period_is_a_readable_page(lake: Path) -> None:
    page = page_of(lake, Period(date(2026, 1, 1), date(2026, 1, 1)))
    assert "No message failed in this period." in page
    assert "both included (1 day)" in page


def test_each_heading_leads_to_a_definition(lake: Path) -> None:
    page = page_of(lake)
    wanted = set(re.findall(r'href="#(def-[a-z_]+)"', page))
    assert wanted
    assert wanted <= set(re.findall(r'id="(def-[a-z_]+)"', page))


@pytest.mark.parametrize(
    ("hits", "trials", "bounds"),
    [
        # From the closed form: at 0 of n the upper bound is z² / (n + z²), at n of n the lower bound n / (n + z²).
        (0, 10, (0.0, 3.841458820694124 / 13.841458820694124)),
        (10, 10, (10 / 13.841458820694124, 1.0)),
        # The interval of one half is symmetric: ½ ± z / (2 √(n + z²)).
        (
            50,
            100,
            (
                0.5 - 1.959963984540054 / (2 * 103.841458820694124**0.5),
                0.5 + 1.959963984540054 / (2 * 103.841458820694124**0.5),
            ),
        ),
    ],
)
def test_the_interval_is_wilsons(hits: int, trials: int, bounds: tuple[float, float]) -> None:
    assert wilson(hits, trials) == pytest.approx(bounds)


def test_no_interval_without_trials() -> None:
    assert wilson(0, 0) is None


def test_a_change_that_rounds_to_nothing_has_no_minus() -> None:
    assert _rate_change(0.0700, 0.0701) == "+0.0 points"
    assert _rate_change(0.0690, 0.0701) == "-0.1 points"
    assert _count_change(9_999, 10_000) == "+0.0 %"
