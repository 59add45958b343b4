"""The files for Grafana, Superset, Metabase, QuickSight and dbt: up to date, and their SQL answers what the queries
answer."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import botocore.session
import botocore.validate
import pytest
import yaml

import substitution
from binaries import ROOT
from bluetick_sql.duck import DuckEngine, translate
from bluetick_sql.errors import StatementError
from bluetick_sql.lake import LocalLake
from bluetick_sql.statements import Settings, Statement, bind, find_query
from bluetick_tools.__main__ import files
from bluetick_tools.panels import PANELS, RATES
from bluetick_tools.quicksight import DATA_SETS, statement_of
from bluetick_tools.text import query_text, with_expressions
from lake_writer import write_lake
from scenario import ROWS

DEFAULTS = Settings(first_day="2024-01-01")
SETTINGS = Settings(timezone="Asia/Kolkata")
FIRST, LAST = "2026-11-10", "2026-11-11"
BODY_LIMIT = 51_200  # bytes of a template that CloudFormation takes without a bucket

Substitute = Callable[[dict[str, str], str, str, Settings], dict[str, str]]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckEngine]:
    lake = LocalLake(write_lake(tmp_path_factory.mktemp("tools"), ROWS))
    with DuckEngine(lake, SETTINGS) as engine:
        yield engine


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    """The files of a deployment with another time zone than UTC."""
    return files(SETTINGS)


def answer(engine: DuckEngine, text: str) -> list[dict[str, Any]]:
    cursor = engine.connection.execute(translate(text))
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def expected(engine: DuckEngine, query: str, first: str = FIRST) -> list[dict[str, Any]]:
    statement = find_query(query)
    result = engine.run(statement, bind(statement, {"from": first, "to": LAST}))
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def test_the_stored_files_are_those_of_the_sql() -> None:
    stored = substitution.stored_files()
    made = files(DEFAULTS)
    assert [path for path, text in made.items() if stored.get(path) != text] == [], "run `make integrations`"
    generated = {path for path in stored if path.startswith((f"{substitution.SUPERSET}/", "integrations/grafana/"))}
    assert generated - set(made) == set(), "files that no program writes"


@pytest.mark.parametrize("tool", [substitution.grafana, substitution.metabase, substitution.superset])
def test_each_panel_answers_its_query(tool: Substitute, engine: DuckEngine, written: dict[str, str]) -> None:
    found = tool(written, FIRST, LAST, SETTINGS)
    names = {panel.query if tool is substitution.superset else panel.title: panel for panel in PANELS}
    assert set(found) == set(names)
    with_rows = 0
    for name, panel in names.items():
        rows = answer(engine, found[name])
        assert rows == expected(engine, panel.query), panel.query
        with_rows += bool(rows)
        if rows:
            assert {*panel.columns, *([panel.day] if panel.day else [])} <= set(rows[0]), panel.query
    assert with_rows == len(PANELS), "a panel without rows shows nothing"


@pytest.mark.parametrize("tool", [substitution.grafana, substitution.metabase, substitution.superset])
def test_the_days_of_the_tool_count(tool: Substitute, engine: DuckEngine, written: dict[str, str]) -> None:
    """The control: a dashboard of one day answers otherwise, and as the query of that day."""
    name = "ctr_daily" if tool is substitution.superset else "CTR by day"
    one_day = answer(engine, tool(written, LAST, LAST, SETTINGS)[name])
    assert one_day == expected(engine, "ctr_daily", LAST)
    assert one_day != expected(engine, "ctr_daily")


def test_the_counts_of_quicksight_add_up_to_the_queries(engine: DuckEngine, written: dict[str, str]) -> None:
    found = substitution.quicksight(written, FIRST, LAST, SETTINGS)
    assert set(found) == set(DATA_SETS)
    messages, clicks, failures = (answer(engine, found[name]) for name in DATA_SETS)

    def total(rows: list[dict[str, Any]], column: str) -> int:
        return sum(row[column] for row in rows)

    (ctr,) = expected(engine, "ctr_total")
    for column, counted in (
        ("messages", "clickable"),
        ("delivered", "clickable_delivered"),
        ("read", "clickable_read"),
        ("clicked", "clickable_clicked"),
        ("clicks", "clicks"),
    ):
        assert total(messages, counted) == ctr[column] > 0, column
    for day in expected(engine, "funnel_daily"):
        of_day = [row for row in messages if row["sent_date"] == day["sent_date"]]
        for column in ("sent", "delivered", "read", "clicked", "replied", "failed", "deleted"):
            assert total(of_day, column) == day[column], (day["sent_date"], column)
    assert total(clicks, "clicks") == total(expected(engine, "clicks_daily"), "clicks") > 0
    assert total(failures, "messages") == total(expected(engine, "failures"), "messages") > 0


def test_data_sets_that_quicksight_copies_hold_nothing_of_a_person(written: dict[str, str]) -> None:
    personal = {column["name"] for table in schema() for column in table["columns"] if column["personal"]}
    personal |= {"recipient", "person", "message_id"}  # what the queries make of them; a message id contains the number
    assert "wa_id" in personal
    for resource in substitution.data_sets(written).values():
        for table in resource["Properties"]["PhysicalTableMap"].values():
            assert personal & {column["Name"] for column in table["CustomSql"]["Columns"]} == set()


def schema() -> list[dict[str, Any]]:
    return json.loads((ROOT / "sql" / "schema.json").read_text(encoding="utf-8"))


def test_quicksight_s_template_is_one_that_cloudformation_takes() -> None:
    text = (ROOT / substitution.QUICKSIGHT).read_text(encoding="utf-8")
    assert len(text.encode()) < BODY_LIMIT, "aws cloudformation deploy would need a bucket"
    lint = shutil.which("cfn-lint") or str(ROOT / ".venv" / "bin" / "cfn-lint")
    result = subprocess.run([lint, substitution.QUICKSIGHT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "")


def test_quicksight_s_service_takes_the_shapes() -> None:
    """By the model of the service that the SDK validates requests with."""
    template = yaml.safe_load((ROOT / substitution.QUICKSIGHT).read_text(encoding="utf-8"))
    operations = {
        "AWS::QuickSight::DataSource": "CreateDataSource",
        "AWS::QuickSight::DataSet": "CreateDataSet",
        "AWS::QuickSight::RefreshSchedule": "CreateRefreshSchedule",
    }
    model = botocore.session.get_session().get_service_model("quicksight")
    for name, resource in template["Resources"].items():
        shape = model.operation_model(operations[resource["Type"]]).input_shape
        parameters = filled(resource["Properties"])
        if frequency := parameters.get("Schedule", {}).get("ScheduleFrequency"):
            frequency["Timezone"] = frequency.pop("TimeZone")  # the name that the service has for CloudFormation's
        report = botocore.validate.ParamValidator().validate(parameters, shape)
        assert not report.has_errors(), f"{name}: {report.generate_report()}"
        assert set(parameters) <= set(shape.members), name


def filled(value: Any) -> Any:
    """A part of a template with text in place of its functions."""
    if isinstance(value, dict):
        if len(value) == 1 and next(iter(value)) in ("Ref", "Fn::Sub", "Fn::GetAtt"):
            (content,) = value.values()
            return content if isinstance(content, str) else ".".join(content)
        return {key: filled(part) for key, part in value.items()}
    return [filled(part) for part in value] if isinstance(value, list) else value


def test_each_refresh_is_of_a_data_set_of_the_template() -> None:
    resources = yaml.safe_load((ROOT / substitution.QUICKSIGHT).read_text(encoding="utf-8"))["Resources"]
    refreshed = {
        resource["DependsOn"]: resource["Properties"]["DataSetId"]
        for resource in resources.values()
        if resource["Type"] == "AWS::QuickSight::RefreshSchedule"
    }
    kept = {
        name: data_set["Properties"]["DataSetId"]
        for name, data_set in substitution.data_sets(substitution.stored_files()).items()
    }
    assert refreshed == kept


def test_grafana_s_dashboard_is_whole() -> None:
    dashboard = json.loads((ROOT / substitution.GRAFANA).read_text(encoding="utf-8"))
    defined = {variable["name"] for variable in dashboard["templating"]["list"]}
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        used = re.findall(r"\$\{(\w+)", json.dumps(panel))
        assert set(used) <= defined, panel["title"]
        assert {"account_id", "database", "datasource"} & set(used), panel["title"]
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, f"{panel['title']} overlaps another panel"
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_superset_s_export_refers_to_itself_only() -> None:
    files_of = {
        path: yaml.safe_load(text)
        for path, text in substitution.stored_files().items()
        if path.startswith(substitution.SUPERSET)
    }
    by_kind = {
        kind: [content for path, content in files_of.items() if f"/{kind}/" in path]
        for kind in ("databases", "datasets", "charts", "dashboards")
    }
    (database,) = by_kind["databases"]
    (dashboard,) = by_kind["dashboards"]
    data_sets = {data_set["uuid"]: data_set for data_set in by_kind["datasets"]}
    assert {data_set["database_uuid"] for data_set in data_sets.values()} == {database["uuid"]}
    for chart in by_kind["charts"]:
        columns = {column["column_name"] for column in data_sets[chart["dataset_uuid"]]["columns"]}
        params = chart["params"]
        metrics = [params["metric"]] if "metric" in params else params.get("metrics", [])
        named = {*params.get("all_columns", []), *(metric["label"] for metric in metrics)}
        assert named <= columns, chart["slice_name"]
        assert named, chart["slice_name"]
    shown = {
        part["meta"]["uuid"]
        for part in dashboard["position"].values()
        if isinstance(part, dict) and part["type"] == "CHART"
    }
    assert shown == {chart["uuid"] for chart in by_kind["charts"]}
    assert len(shown) == len(by_kind["charts"])


def test_rates_are_names_of_columns() -> None:
    shown = {column for panel in PANELS for column in panel.columns}
    assert shown >= RATES


@pytest.mark.parametrize("mark", ["{{", "{%", "[["])
def test_marks_of_templates_in_a_query_are_refused(mark: str) -> None:
    with pytest.raises(StatementError, match="part of a template"):
        with_expressions(Statement("own", f"SELECT '{mark}'"), Settings(), {})


def test_another_number_of_values_is_refused() -> None:
    with pytest.raises(StatementError, match="2 \\? and 1 parameters"):
        with_expressions(Statement("own", "SELECT ?, ?", parameters=("from",)), Settings(), {})


def test_the_text_has_no_placeholder_left() -> None:
    for name in DATA_SETS:
        assert "${" not in with_expressions(statement_of(name), Settings(), {"from": "a", "to": "b"})
    assert "?" not in query_text("tickets", Settings(), {})
