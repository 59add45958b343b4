"""The dbt project with dbt itself: built over a simulated lake with DuckDB, and compiled for Athena.

dbt has an environment of its own, so this stands behind `make test-dbt`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from binaries import ROOT
from bluetick_sql.duck import DuckEngine
from bluetick_sql.lake import LocalLake
from bluetick_sql.statements import Settings, bind, find_query
from bluetick_tools.dbt import COUNTS
from bluetick_tools.quicksight import statement_of
from bluetick_tools.text import with_expressions
from simulation import simulate

DBT = ROOT / ".venv-dbt" / "bin" / "dbt"
PROJECT = ROOT / "integrations" / "dbt"
ZONE = "Asia/Kolkata"


@dataclass(frozen=True)
class Built:
    """A lake, the days that were built, and the database file with the tables."""

    lake: Path
    first: str
    last: str
    database: Path


def dbt(work: Path, command: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "DBT_PROFILES_DIR": str(PROJECT),
        "PYTHONPATH": str(ROOT / "sql"),
        "AWS_REGION": "eu-west-1",
        "ATHENA_RESULTS": "s3://results",
        **variables,
    }
    options = [
        "--project-dir",
        PROJECT,
        "--target-path",
        work / "target",
        "--log-path",
        work / "logs",
        "--no-use-colors",
    ]
    result = subprocess.run(
        [DBT, command, *options, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    print(result.stdout[-4000:], result.stderr[-2000:])
    return result


def variables(first: str, last: str) -> str:
    return f'{{first_day: "{first}", last_day: "{last}", timezone: {ZONE}, earliest_day: "2009-01-01"}}'


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    if not DBT.exists():
        pytest.fail("dbt is not installed: run `make test-dbt`", pytrace=False)
    work = tmp_path_factory.mktemp("dbt")
    simulation = simulate(work, seed=9, messages=600, days=8, timezone=ZONE, hours=72)
    asked = simulation.truth["parameters"]
    found = Built(simulation.lake, asked["from"], asked["to"], work / "tables.duckdb")
    given = ["--vars", variables(found.first, found.last)]
    place = {"BLUETICK_LAKE": str(found.lake), "BLUETICK_DBT_DATABASE": str(found.database)}
    result = dbt(work, "build", *given, **place)
    assert result.returncode == 0
    # Models and tests that ran; every one of them passed.
    assert re.search(r"PASS=12 WARN=0 ERROR=0 SKIP=0", result.stdout)
    return found


def rows(built: Built, text: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(built.database), read_only=True) as connection:
        return connection.execute(text).fetchall()


def answer(built: Built, query: str) -> list[dict[str, Any]]:
    with DuckEngine(LocalLake(built.lake), Settings(timezone=ZONE)) as engine:
        statement = find_query(query)
        result = engine.run(statement, bind(statement, {"from": built.first, "to": built.last}))
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def test_the_funnel_of_each_day_is_that_of_the_query(built: Built) -> None:
    steps = ("sent", "delivered", "read", "clicked", "replied", "failed", "deleted")
    sums = ", ".join(f"sum({step})" for step in steps)
    found = rows(built, f"SELECT sent_date, {sums} FROM reports.message_counts GROUP BY 1 ORDER BY 1")
    assert found == [(day["sent_date"], *(day[step] for step in steps)) for day in answer(built, "funnel_daily")]
    assert sum(row[1] for row in found) > 400


def test_the_ctr_of_each_template_is_that_of_the_query(built: Built) -> None:
    sums = "sum(clickable), sum(clickable_delivered), sum(clickable_clicked), sum(clicks)"
    found = rows(
        built,
        f"SELECT template_name, {sums}, sum(clickable_clicked) / nullif(sum(clickable_delivered), 0) AS ctr"
        " FROM reports.message_counts GROUP BY 1 HAVING sum(clickable) > 0 ORDER BY 2 DESC, 1 NULLS LAST",
    )
    columns = ("template_name", "messages", "delivered", "clicked", "clicks", "ctr")
    assert found == [tuple(row[name] for name in columns) for row in answer(built, "ctr_by_template")]
    assert any(row[3] > 0 for row in found)


def test_clicks_and_failures_are_those_of_the_queries(built: Built) -> None:
    found = rows(built, "SELECT click_date, sum(clicks) FROM reports.click_counts GROUP BY 1 ORDER BY 1")
    assert found == [(row["click_date"], row["clicks"]) for row in answer(built, "clicks_daily")]
    (failed,) = rows(built, "SELECT sum(messages) FROM reports.failure_counts")
    assert failed[0] == sum(row["messages"] for row in answer(built, "failures")) > 0


def test_nothing_of_a_person_is_stored(built: Built) -> None:
    tables = rows(built, "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'reports'")
    assert {name for name, _ in tables} == set(COUNTS)
    names = {
        row[0]
        for row in rows(built, "SELECT column_name FROM information_schema.columns WHERE table_schema = 'reports'")
    }
    assert names & {"wa_id", "user_id", "recipient", "person", "message_id", "guest_name"} == set()


def normal(text: str) -> str:
    """The SQL without the names of catalog and schema, quotes and comments."""
    tree = sqlglot.parse_one(text, read="athena")
    for table in tree.find_all(exp.Table):
        table.set("catalog", None)
        table.set("db", None)
    for name in tree.find_all(exp.Identifier):
        name.set("quoted", False)
    return tree.sql(dialect="athena", comments=False)


def test_for_athena_the_models_are_the_definitions(built: Built, tmp_path: Path) -> None:
    """dbt compiles without an account; the SQL in the models is what QuickSight and the queries take from sql/."""
    given = [
        "--target",
        "athena",
        "--no-populate-cache",
        "--no-introspect",
        "--vars",
        variables(built.first, built.last),
    ]
    assert dbt(tmp_path, "compile", *given).returncode == 0
    settings = Settings(timezone=ZONE)
    for name in COUNTS:
        compiled = (tmp_path / "target" / "compiled" / "bluetick" / "models" / f"{name}.sql").read_text(
            encoding="utf-8"
        )
        days = {"from": f"'{built.first}'", "to": f"'{built.last}'"}
        ours = sqlglot.parse_one(with_expressions(statement_of(name), settings, days), read="athena")
        theirs = sqlglot.parse_one(compiled, read="athena")
        (inlined,) = [cte for cte in theirs.ctes if cte.alias.startswith("__dbt__cte__")]
        pieces = {cte.alias: normal(cte.this.sql(dialect="athena")) for cte in ours.ctes}
        assert {cte.alias: normal(cte.this.sql(dialect="athena")) for cte in inlined.this.ctes} == pieces
        theirs.set("with_", None)
        ours.set("with_", None)
        assert normal(theirs.sql(dialect="athena").replace(inlined.alias, list(pieces)[-1])) == normal(
            ours.sql(dialect="athena")
        )


def test_a_day_that_is_no_date_is_refused(built: Built, tmp_path: Path) -> None:
    place = {"BLUETICK_LAKE": str(built.lake), "BLUETICK_DBT_DATABASE": str(tmp_path / "none.duckdb")}
    result = dbt(tmp_path, "compile", "--select", "message_counts", "--vars", '{first_day: "last week"}', **place)
    assert result.returncode != 0
    assert "take a date such as 2026-11-20, not last week" in result.stdout


def test_a_directory_without_a_lake_is_refused(tmp_path: Path) -> None:
    result = dbt(tmp_path, "build", BLUETICK_LAKE=str(tmp_path), BLUETICK_DBT_DATABASE=str(tmp_path / "none.duckdb"))
    assert result.returncode != 0
    assert "holds no lake" in result.stdout


def test_the_commands_of_the_page(tmp_path: Path) -> None:
    """Those for a local lake, as they are typed, in a directory with the files that they name.

    The first three install what is installed here. The last one builds the days of the sample webhooks.
    """
    page = (ROOT / "docs" / "tools" / "dbt.md").read_text(encoding="utf-8")
    block = page.split("## A local lake")[1].split("## Athena")[0]
    commands = [line.strip() for line in block.splitlines() if line.startswith("    ")]
    assert [command.split()[1] for command in commands[:3]] == ["-m", "install", "install"]
    subprocess.run([sys.executable, "scripts/demo.py"], cwd=ROOT, check=True, capture_output=True)
    shutil.copytree(PROJECT, tmp_path / "integrations" / "dbt")
    for name in (".demo", ".venv-dbt", "sql"):
        (tmp_path / name).symlink_to(ROOT / name)
    script = "\n".join(["set -euo pipefail", *commands[3:]])
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DBT_", "BLUETICK_"))}
    subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, check=True)
    with duckdb.connect(str(tmp_path / "counts.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT sum(sent), sum(clicked) FROM reports.message_counts").fetchall() == [(11, 7)]
