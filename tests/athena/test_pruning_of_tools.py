"""With the days as each tool writes them, the plan still reads the partitions of the window only.

The tools write the days with expressions of their own, such as `date(TIMESTAMP '…')`. The planner must make constants
of them. One query per way of writing is enough: `test_pruning.py` checks every query.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

import substitution
from bluetick_sql.statements import Settings
from bluetick_sql.trino_client import TrinoEngine
from bluetick_tools.__main__ import files
from plans import Scan, scans
from random_lake import write_random_lake
from test_pruning import WINDOW, _outside
from trino_server import TrinoServer

Substitute = Callable[[dict[str, str], str, str, Settings], dict[str, str]]
SETTINGS = Settings("pruning_of_tools", timezone="Asia/Kolkata")


def moved(texts: dict[str, str], today: date) -> dict[str, str]:
    """QuickSight's data sets count their days back from the day of the query; here so many that they are the window."""

    def back(day: str) -> str:
        return f"date_add('day', -{(today - date.fromisoformat(day)).days}, current_date)"

    first, last = back(WINDOW["from"]), back(WINDOW["to"])
    return {
        name: text.replace("date('mark-first')", first).replace("date('mark-last')", last)
        for name, text in texts.items()
    }


@pytest.fixture(scope="module")
def engine(trino: TrinoServer, tmp_path_factory: pytest.TempPathFactory) -> TrinoEngine:
    return trino.database(write_random_lake(tmp_path_factory.mktemp("tools"), 5, 400), SETTINGS)


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    return files(SETTINGS)


def outside(engine: TrinoEngine, text: str) -> list[Scan]:
    """The scans that read more than the window."""
    found = scans(engine, text)
    assert found, "the plan reads nothing"
    return [scan for scan in found if _outside(scan)]


@pytest.mark.parametrize(
    ("tool", "name"),
    [(substitution.grafana, "CTR by day"), (substitution.metabase, "CTR by day"), (substitution.superset, "ctr_daily")],
)
def test_the_plan_of_a_panel_reads_the_window_only(
    tool: Substitute, name: str, engine: TrinoEngine, written: dict[str, str]
) -> None:
    text = tool(written, WINDOW["from"], WINDOW["to"], SETTINGS)[name]
    assert outside(engine, text) == []


@pytest.mark.parametrize("name", ["message_counts", "click_counts", "failure_counts"])
def test_the_plan_of_a_data_set_reads_the_window_only(name: str, engine: TrinoEngine, written: dict[str, str]) -> None:
    ((today,),) = engine.execute("SELECT CAST(current_date AS varchar)")[1]
    texts = substitution.quicksight(written, "mark-first", "mark-last", SETTINGS)
    assert outside(engine, moved(texts, date.fromisoformat(today))[name]) == []
