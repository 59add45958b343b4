"""The report in headless Chromium: nothing is loaded, nothing is logged, filters show the figures of the queries.

Needs the command `chromium` (Debian's package), so it stands behind `make test-report` instead of `make test`.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

import extreme_lake
from bluetick_report.cohort import DuckQueries
from bluetick_report.figures import collect
from bluetick_report.format import cell
from bluetick_report.page import render
from bluetick_report.periods import Period
from bluetick_report.sections import COUNT, RATE
from bluetick_sql.duck import DuckEngine
from bluetick_sql.lake import LocalLake
from bluetick_sql.rows import Result
from bluetick_sql.statements import Settings
from simulation import simulate

ZONE = "Asia/Kolkata"
CONTRAST = 4.5  # WCAG 2.2, success criterion 1.4.3, for text


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Result]]:
    """A page of a simulated fortnight, and the answers of its queries."""
    work = tmp_path_factory.mktemp("report")
    simulation = simulate(work, seed=9, messages=1500, days=14, timezone=ZONE, hours=72)
    asked = simulation.truth["parameters"]
    period = Period(date.fromisoformat(asked["from"]), date.fromisoformat(asked["to"]))
    settings = Settings(timezone=ZONE)
    with DuckEngine(LocalLake(simulation.lake), settings) as engine:
        figures = collect(DuckQueries(engine, period), settings, period, lambda _name: None)
    path = work / "report.html"
    path.write_text(render(figures, "Fortnight"), encoding="utf-8")
    return path, figures.results


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    command = shutil.which("chromium")
    if command is None:
        pytest.fail("the command chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path=command, args=options)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, report: tuple[Path, dict[str, Result]]) -> Iterator[Page]:
    """The page; fails if it logs anything or asks for anything but itself."""
    page = browser.new_page()
    noise: list[str] = []
    page.on("console", lambda message: noise.append(message.text))
    page.on("pageerror", lambda error: noise.append(str(error)))
    page.on("request", lambda request: noise.append(request.url) if request.url != report[0].as_uri() else None)
    page.goto(report[0].as_uri())
    page.wait_for_selector("html[data-ready=true]", state="attached")
    yield page
    page.close()
    assert noise == []


def rows_of(result: Result) -> list[dict[str, object]]:
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def table(page: Page, section: str) -> list[list[str]]:
    rows = page.query_selector_all(f"#{section} tbody tr")
    return [[cell.text_content() or "" for cell in row.query_selector_all("td")] for row in rows]


def test_each_template_as_filter_shows_its_row_of_the_query(page: Page, report: tuple[Path, dict[str, Result]]) -> None:
    rows = [row for row in rows_of(report[1]["ctr_by_template"]) if row["template_name"] is not None]
    assert len(rows) > 3
    for row in rows:
        page.select_option("#filter-template_name", str(row["template_name"]))
        page.wait_for_function("document.querySelector('#filters').classList.contains('active')")
        assert page.inner_text("#card-ctr .value") == cell(row["ctr"], RATE)
        assert table(page, "templates")[0][1] == cell(row["messages"], COUNT)


def test_clearing_the_filters_shows_the_first_figures_again(page: Page) -> None:
    before, cards = table(page, "templates"), page.inner_text("dl.cards")
    page.select_option("#filter-campaign_id", index=1)
    page.wait_for_function("document.querySelector('#filters').classList.contains('active')")
    assert table(page, "templates") != before
    page.click("#filters button[type=reset]")
    page.wait_for_function("!document.querySelector('#filters').classList.contains('active')")
    assert table(page, "templates") == before
    assert page.inner_text("dl.cards") == cards


def test_a_table_sorts_and_downloads(page: Page, report: tuple[Path, dict[str, Result]], tmp_path: Path) -> None:
    page.click("#templates th:nth-child(4) .sort")
    shown = [int(row[3].replace(",", "")) for row in table(page, "templates")]
    assert shown == sorted(shown, reverse=True)
    with page.expect_download() as download:
        page.click("#templates .csv")
    path = tmp_path / "templates.csv"
    download.value.save_as(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        read = list(csv.DictReader(file))
    assert [int(row["Clicked"]) for row in read] == shown
    assert sum(shown) == sum(int(str(row["clicked"])) for row in rows_of(report[1]["ctr_by_template"]))


def test_the_keyboard_reaches_filters_and_sorting(page: Page) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.focus("#templates th:nth-child(2) .sort")
    page.keyboard.press("Enter")
    assert page.get_attribute("#templates th:nth-child(2)", "aria-sort") == "descending"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_enough_contrast(browser: Browser, report: tuple[Path, dict[str, Result]], scheme: str) -> None:
    page = browser.new_page(color_scheme=scheme)
    page.goto(report[0].as_uri())
    page.wait_for_selector("html[data-ready=true]", state="attached")
    worst = page.evaluate(
        """() => {
          const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
          const light = (color) => numbers(color).slice(0, 3).map((v) => v / 255)
            .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
          const ground = (node) => {
            for (let at = node; at; at = at.parentElement) {
              const color = getComputedStyle(at).backgroundColor;
              if ((numbers(color)[3] ?? 1) > 0) return color;
            }
            return "rgb(255, 255, 255)";
          };
          let worst = 99;
          const texts = "h1, h2, p, dt, dd, a, td, th button, label, select, .actions button, .chart text";
          for (const node of document.querySelectorAll(texts)) {
            if (!node.getClientRects().length || !node.textContent.trim()) continue;
            const style = getComputedStyle(node);
            const [a, b] = [light(node.tagName === "text" ? style.fill : style.color), light(ground(node))];
            worst = Math.min(worst, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
          }
          return worst;
        }"""
    )
    page.close()
    assert worst >= CONTRAST


def quiet_page(browser: Browser, path: Path, width: int) -> Page:
    """A page that is ready; fails if it logged anything or asked for another file until then."""
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.set_default_timeout(120_000)  # 2,000 templates on a busy machine
    noise: list[str] = []
    page.on("console", lambda message: noise.append(message.text))
    page.on("pageerror", lambda error: noise.append(str(error)))
    page.on("request", lambda request: noise.append(request.url) if request.url != path.as_uri() else None)
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready=true]", state="attached")
    assert noise == []
    return page


def test_a_narrow_screen_does_not_scroll_sideways(browser: Browser, report: tuple[Path, dict[str, Result]]) -> None:
    page = quiet_page(browser, report[0], 390)
    width = page.evaluate("document.documentElement.scrollWidth")
    page.close()
    assert width <= 390


def test_charts_fit_on_paper(browser: Browser, report: tuple[Path, dict[str, Result]]) -> None:
    page = quiet_page(browser, report[0], 1280)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 680, "height": 1000})
    widths = page.evaluate(
        "[...document.querySelectorAll('.chart svg')].map((chart) => chart.getBoundingClientRect().right)"
    )
    page.close()
    assert len(widths) == 7
    assert max(widths) <= 680


@pytest.mark.parametrize("name", ["templates", "names", "no-clicks", "one-message", "empty"])
def test_extreme_data_stays_readable(browser: Browser, tmp_path: Path, name: str) -> None:
    lake, day = extreme_lake.write(tmp_path / "lake", name), date.fromisoformat(extreme_lake.DAY)
    period, settings = Period(day, day + timedelta(days=2)), Settings()
    with DuckEngine(LocalLake(lake), settings) as engine:
        figures = collect(DuckQueries(engine, period), settings, period, lambda _name: None)
    path = tmp_path / "report.html"
    path.write_text(render(figures, "</title><script>alert(1)</script> שלום"), encoding="utf-8")
    for width in (390, 1280):
        page = quiet_page(browser, path, width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if name == "templates":
            assert len(page.query_selector_all("#templates tbody tr:not([hidden])")) == 20
            page.click("#templates .show-all")
            assert len(page.query_selector_all("#templates tbody tr:not([hidden])")) == 2000
        page.close()
