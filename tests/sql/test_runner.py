"""The runner: what it prints, what it refuses, and how it speaks to Athena."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bluetick_sql.athena import AthenaEngine
from bluetick_sql.lake import LocalLake
from bluetick_sql.rows import Result, as_csv, as_json, as_table, plain_rows
from bluetick_sql.statements import SQL_ROOT, Settings, Statement, StatementError, bind, find_query
from lake_writer import at, write_lake
from scenario import TIMEZONE


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bluetick_sql", *arguments], cwd=SQL_ROOT, capture_output=True, text=True, check=False
    )


def test_all_formats_hold_the_same_rows(scenario_lake: LocalLake) -> None:
    asked = [
        "cost_by_category",
        "--from",
        "2026-11-10",
        "--to",
        "2026-11-11",
        "--timezone",
        TIMEZONE,
        "--lake",
        str(scenario_lake.root),
    ]
    said = {name: _run(*asked, "--format", name) for name in ("json", "csv", "table")}
    assert [run.returncode for run in said.values()] == [0, 0, 0]
    objects = json.loads(said["json"].stdout)
    assert [row["pricing_category"] for row in objects] == ["marketing", "utility"]
    assert [row["pricing_category"] for row in csv.DictReader(io.StringIO(said["csv"].stdout))] == [
        "marketing",
        "utility",
    ]
    assert said["table"].stdout.splitlines()[2].split() == ["marketing", "regular", "2", "2", "2", "1.0000"]


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (["nothing"], 2, "no query is named"),
        (
            ["ctr_total", "--from", "10.11.2026", "--to", "2026-11-11"],
            2,
            "from is '10.11.2026': give a date that exists",
        ),
        (["ctr_total", "--from", "2025-11-31", "--to", "2026-11-11"], 2, "give a date that exists, such as 2026-11-20"),
        (["ctr_total", "--from", "2008-12-31", "--to", "2026-11-11"], 2, "give a day from 2009-01-01 to 2036-05-18"),
        (["ctr_total"], 2, "from is '': give a date"),
        (["message_log", "--param", "standalone=yes"], 2, "standalone is 'yes': give true or false"),
        (["message_status", "--param", "message_ids= , "], 2, "message_ids is empty"),
        (
            ["ctr_total", "--from", "2026-11-11", "--to", "2026-11-10"],
            2,
            "from (2026-11-11) lies after to (2026-11-10)",
        ),
        (
            ["ctr_total", "--from", "2026-11-10", "--to", "2026-11-11", "--param", "event_id=1"],
            2,
            "has no parameter event_id",
        ),
        (
            ["ctr_total", "--from", "2026-11-10", "--to", "2026-11-11", "--timezone", "UTC'; --"],
            2,
            "no name of a time zone",
        ),
        (["message_log", "--timezone", "Mars/Olympus"], 2, "there is no time zone 'Mars/Olympus': give an IANA name"),
        (["message_log", "--attribution-hours", "0"], 2, "attribution_hours is 0: give whole hours from 1 to 720"),
        (["message_log", "--attribution-hours", "x"], 2, "invalid int value: 'x'"),
        (
            ["message_log", "--param", "status=gone"],
            2,
            "status is 'gone': give sent, delivered, read, failed or deleted",
        ),
        (["message_log", "--param", "status"], 2, "the parameter 'status' is no NAME=VALUE"),
        (["message_log", "--params", "status='sent"], 2, "No closing quotation"),
        (["message_log", "--from", "2026-11-10", "--param", "from=2026-11-11"], 2, "from is given twice"),
        (["message_log", "--rate-card", "/nonexistent"], 2, "/nonexistent cannot be read as a rate card"),
        (["message_log", "--database", "a.b"], 2, "'a.b' is no name of a database"),
        (["latest_message_of_registration"], 2, "registration_id is empty: give one"),
        (["journey", "--from", "2026-11-10", "--to", "2026-11-11"], 2, "recipient_id is empty: give one"),
        (
            ["compare_templates", "--from", "2026-11-10", "--to", "2026-11-11"],
            2,
            "templates is empty: give one, or several",
        ),
        (
            ["compare_campaigns", "--from", "2026-11-10", "--to", "2026-11-11", "--param", "campaigns= ,"],
            2,
            "campaigns is empty",
        ),
        (["ctr_total", "--from", "2026-11-10", "--to", "2026-11-11", "--lake", "/nonexistent"], 1, "holds no lake"),
    ],
)
def test_what_is_wrong_is_said(arguments: list[str], status: int, reason: str) -> None:
    said = _run(*arguments)
    assert (said.returncode, said.stdout) == (status, "")
    assert reason in said.stderr


def test_nulls_and_quotes_survive() -> None:
    result = Result(["a", "b"], [[None, 'say "x", y'], [1.5, ""]])
    assert list(csv.reader(io.StringIO(as_csv(result)))) == [["a", "b"], ["", 'say "x", y'], ["1.5", ""]]
    assert json.loads(as_json(result)) == [{"a": None, "b": 'say "x", y'}, {"a": 1.5, "b": ""}]
    assert as_table(result).splitlines()[2].split()[0] == "-"


def test_an_unknown_placeholder_is_refused() -> None:
    with pytest.raises(StatementError, match="no setting"):
        Settings().fill("SELECT '${password}'")


def test_values_are_bound_by_name_in_the_order_of_the_header() -> None:
    statement = find_query("message_log")
    given = {"to": "2026-11-11", "from": "2026-11-10", "recipient_id": "+91 98765-43210", "phone_number_id": "100"}
    assert bind(statement, given) == ["2026-11-10", "2026-11-11", "", "100", "", "", "", "919876543210", "", "", ""]


def test_a_look_up_needs_no_dates() -> None:
    statement = find_query("message_status")
    assert bind(statement, {"message_ids": "a, b"}) == ["", "", "", "", "a,b"]


class _Athena:
    """A double of Athena's API with two pages of results."""

    def __init__(self, states: list[str]) -> None:
        self.states = states
        self.started: dict[str, Any] = {}

    def start_query_execution(self, **request: Any) -> dict[str, str]:
        self.started = request
        return {"QueryExecutionId": "q"}

    def get_query_execution(self, QueryExecutionId: str) -> dict[str, Any]:  # noqa: N803 (Athena's name)
        status = {"State": self.states.pop(0), "StateChangeReason": "because"}
        return {"QueryExecution": {"Status": status, "Statistics": {"DataScannedInBytes": 7}}}

    def get_query_results(self, QueryExecutionId: str, NextToken: str | None = None) -> dict[str, Any]:  # noqa: N803
        info = [
            {"Name": name, "Type": kind}
            for name, kind in [("s", "varchar"), ("n", "bigint"), ("d", "double"), ("t", "timestamp"), ("l", "date")]
        ]
        cells = (
            [["s", "n", "d", "t", "l"], ["a", "1", "0.5", "2026-11-10 10:00:00.000", "2026-11-10"]]
            if NextToken is None
            else [[None] * 5]
        )
        rows = [{"Data": [{} if cell is None else {"VarCharValue": cell} for cell in row]} for row in cells]
        page = {"ResultSet": {"Rows": rows, "ResultSetMetadata": {"ColumnInfo": info}}}
        return page | ({"NextToken": "more"} if NextToken is None else {})


def test_athena_gets_quoted_values_and_gives_typed_rows() -> None:
    client = _Athena(["RUNNING", "SUCCEEDED"])
    result = AthenaEngine(Settings("db"), "group", client).run(
        Statement("x", "SELECT * FROM ${database}.t WHERE a = ?"), ["it's"]
    )
    assert client.started["ExecutionParameters"] == ["'it''s'"]
    assert client.started["QueryString"] == "SELECT * FROM db.t WHERE a = ?"
    assert result.columns == ["s", "n", "d", "t", "l"]
    assert plain_rows(result.rows) == [["a", 1, 0.5, "2026-11-10T10:00:00.000Z", "2026-11-10"], [None] * 5]
    assert result.bytes_read == 7


def test_a_value_that_is_too_long_for_athena_is_refused() -> None:
    with pytest.raises(StatementError, match="has 1023 characters: Athena takes 1022"):
        AthenaEngine(Settings(), "group", _Athena([])).run(Statement("x", "SELECT ?"), ["m" * 1023])


def test_a_failed_query_of_athena_tells_its_reason() -> None:
    with pytest.raises(RuntimeError, match="failed: because"):
        AthenaEngine(Settings(), "group", _Athena(["FAILED"])).run(Statement("x", "SELECT 1"), [])


def _make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`make query` as a person types it, with the Python of this test."""
    command = ["make", "--no-print-directory", "--assume-old=.venv/query", "query", *arguments]
    return subprocess.run(command, cwd=SQL_ROOT.parent, capture_output=True, text=True, check=False)


def test_parameters_of_make_may_contain_spaces(tmp_path: Path) -> None:
    sent = {"status": "sent", "event_ts": at("2026-11-10 10:00:00")}
    names = {"m1": "Spring sale", "m2": "Spring", "m3": "it's $5"}
    rows = [{**sent, "message_id": message, "template_name": name} for message, name in names.items()]
    lake = write_lake(tmp_path / "a lake", {"statuses": rows})
    for text, found in [
        ('template_name="Spring sale"', ["m1"]),
        ("template_name='Spring sale' status=sent", ["m1"]),
        ('template_name="it\'s $5"', ["m3"]),
        ("status=sent", ["m1", "m2", "m3"]),
    ]:
        said = _make("Q=message_log", f"LAKE={lake}", f"PARAMS={text}", "FORMAT=csv")
        assert said.returncode == 0, said.stderr
        assert [row["message_id"] for row in csv.DictReader(io.StringIO(said.stdout))] == found, text


def test_an_open_quote_and_a_value_without_a_name_are_refused(tmp_path: Path) -> None:
    lake = write_lake(tmp_path, {"statuses": []})
    for text, reason in [
        ('template_name="Spring', "No closing quotation"),
        ("template_name=Spring sale", "the parameter 'sale' is no NAME=VALUE; quote a value that contains spaces"),
    ]:
        said = _make("Q=message_log", f"LAKE={lake}", f"PARAMS={text}")
        assert said.returncode == 2
        assert reason in said.stderr
