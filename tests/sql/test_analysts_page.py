"""docs/analysts.md: its SQL answers what it says, on DuckDB; tests/athena asks Trino the same."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

import analysts_page
from binaries import ROOT
from bluetick_sql.duck import DuckEngine
from bluetick_sql.lake import LocalLake
from bluetick_sql.statements import Settings, Statement, query_files
from page_commands import blocks


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("customers")
    lake = analysts_page.write_customers_lake(folder / "lake")
    file = folder / "customers.csv"
    file.write_text(analysts_page.CUSTOMERS, encoding="utf-8")
    with DuckEngine(LocalLake(lake), Settings()) as engine:
        engine.connection.execute("CREATE SCHEMA crm")
        engine.connection.execute(f"CREATE VIEW crm.customers AS FROM read_csv('{file}', all_varchar = true)")
        yield engine


@pytest.mark.parametrize("name", sorted(analysts_page.ANSWERS))
def test_the_join_with_customers_counts_each_message_once(engine: DuckEngine, name: str) -> None:
    text = analysts_page.joined(name, engine.settings)
    assert engine.run(Statement(name, text), []).rows == analysts_page.ANSWERS[name]


def test_without_one_row_a_number_a_customer_would_count_twice(engine: DuckEngine) -> None:
    text = analysts_page.joined("ctr_by_template", engine.settings)
    careless = text.replace("min(segment) AS segment", "segment").replace(
        "  GROUP BY regexp_replace(phone, '[^0-9]', '')\n", ""
    )
    assert careless != text
    assert engine.run(Statement("careless", careless), []).rows[0] == ["gold", 4, 4, 4, 1.0]


def test_the_first_query_of_ones_own_runs(engine: DuckEngine) -> None:
    text = analysts_page.statement("count(DISTINCT wa_id)")
    assert engine.run(Statement("own", text), []).rows == [["button_reply", "Yes", 4, 2]]


def test_every_other_statement_of_the_page_parses() -> None:
    kinds = [
        type(sqlglot.parse_one(text, read="athena")) for text in analysts_page.statements() if "in place" not in text
    ]
    assert kinds.count(exp.Create) == 2 and kinds.count(exp.Select) == 3
    federated = analysts_page.joined("ctr_by_template", Settings()).replace(
        "FROM crm.customers", analysts_page.statement("in place of").splitlines()[1]
    )
    assert '"crm_postgres"."public"."customers"' in sqlglot.parse_one(federated, read="athena").sql("athena")


def test_queries_that_the_page_names_exist() -> None:
    names = {path.stem for path in query_files()}
    named = {
        "funnel_daily",
        "ctr_by_template",
        "ctr_by_button",
        "failures",
        "response_times",
        "data_quality",
        "journey",
    }
    assert named <= names and all(f"`{name}`" in analysts_page.PAGE for name in named)


def test_the_command_for_ones_own_machine_runs_as_it_is_typed(tmp_path: Path) -> None:
    [command] = [
        block.text for block in blocks("docs/analysts.md", analysts_page.PAGE) if block.text.startswith("make")
    ]
    analysts_page.write_customers_lake(tmp_path / "lake")
    (tmp_path / "customers.csv").write_text(analysts_page.CUSTOMERS, encoding="utf-8")
    typed = command.replace("make query", f"make --no-print-directory -C {ROOT} query")
    typed = typed.replace("customers.csv", str(tmp_path / "customers.csv")).replace(
        "LAKE=lake", f"LAKE={tmp_path}/lake"
    )
    done = subprocess.run(["bash", "-c", typed], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].split() == ["gold", "3"]
