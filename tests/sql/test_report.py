"""The report without a browser: its figures are those of the queries, and no text of a message can break the page."""

from __future__ import annotations

import base64
import gzip
import json
import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from bluetick_report.cohort import DuckQueries, Queries
from bluetick_report.figures import TOTALS, collect, query_names
from bluetick_report.intervals import wilson
from bluetick_report.page import render
from bluetick_report.periods import Period
from bluetick_sql.duck import DuckEngine
from bluetick_sql.lake import LocalLake
from bluetick_sql.statements import Settings
from lake_writer import write_lake
from scenario import ROWS, TIMEZONE, WINDOW

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
