"""SQL of the caller's own: texts, files, the shell, windows of days, and the formats of an answer."""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import pty
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from binaries import ROOT
from bluetick_sql.free import free_statement
from bluetick_sql.lake import LocalLake
from bluetick_sql.progress import bar, shown
from bluetick_sql.rows import Result, write_parquet
from bluetick_sql.statements import SQL_ROOT, Settings, StatementError
from bluetick_sql.window import window_of
from scenario import TIMEZONE, WINDOW

DAYS = ("--from", WINDOW["from"], "--to", WINDOW["to"], "--timezone", TIMEZONE)


def _run(module: str, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=SQL_ROOT, capture_output=True, text=True, check=False, input=typed)


def _json(*arguments: str, typed: str = "") -> list[dict[str, object]]:
    done = _run("bluetick_sql", *arguments, "--format", "json", typed=typed)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_text_a_file_and_stdin_answer_like_the_query(scenario_lake: LocalLake, tmp_path: Path) -> None:
    lake = ("--lake", str(scenario_lake.root))
    text = "WITH ${include:cohort} SELECT count(*) AS messages FROM sent_messages WHERE is_clickable;"
    file = tmp_path / "own.sql"
    file.write_text(f"-- Question: How many?\n{text}\n", encoding="utf-8")
    expected = _json("ctr_total", *DAYS, *lake)[0]["messages"]
    assert expected
    for asked in (["--sql", text], [str(file)]):
        assert _json(*asked, *DAYS, *lake) == [{"messages": expected}]
    assert _json("--sql", "-", *DAYS, *lake, typed=text) == [{"messages": expected}]


def test_tables_need_no_database_and_decimals_are_answered(scenario_lake: LocalLake) -> None:
    asked = "SELECT count(*) AS n, CAST(0.5 AS decimal(3, 1)) AS half, ARRAY[1, 2] AS list FROM statuses"
    [row] = _json("--sql", asked, "--lake", str(scenario_lake.root))
    assert (
        row["n"]
        == _json("--sql", "SELECT count(*) AS n FROM bluetick.statuses", "--lake", str(scenario_lake.root))[0]["n"]
    )
    assert (row["half"], row["list"]) == (0.5, "[1, 2]")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT 1; SELECT 2", "holds 2 statements"),
        ("", "holds 0 statements"),
        ("SELEC 1 FROM", "cannot be read"),
        ("SELECT ?", "has 1 ? and names 0 parameters"),
        ("-- Parameters: from, to\nSELECT ?", "has 1 ? and names 2 parameters"),
        ("SELECT ${nothing}", "is no setting"),
        ("SELECT ${include:nothing}", "there is no file"),
    ],
)
def test_what_cannot_run_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(StatementError, match=reason.replace("?", r"\?")):
        free_statement(text, Settings())


def test_parameters_of_a_text_are_the_usual_ones_or_those_it_names() -> None:
    assert free_statement("SELECT ?, ?", Settings()).parameters == ("from", "to")
    assert free_statement("-- Parameters: ticket\nSELECT '?', ?", Settings()).parameters == ("ticket",)


@pytest.mark.parametrize(
    ("asked", "days"),
    [
        ({"recent": "7d"}, ("2026-02-22", "2026-02-28")),
        ({"recent": "2w"}, ("2026-02-15", "2026-02-28")),
        ({"last_month": True}, ("2026-02-01", "2026-02-28")),
        ({"first": "2026-01-01", "last": "2026-01-02"}, ("2026-01-01", "2026-01-02")),
        ({}, (None, None)),
    ],
)
def test_windows_end_yesterday(asked: dict[str, object], days: tuple[str, str]) -> None:
    arguments = argparse.Namespace(**{"first": None, "last": None, "recent": None, "last_month": False, **asked})
    assert window_of(arguments, date(2026, 3, 1)) == days


def test_the_day_before_today_is_that_of_the_time_zone() -> None:
    # Fourteen and minus eleven hours from UTC never share a day.
    ends = []
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        arguments = argparse.Namespace(first=None, last=None, recent="1d", last_month=False, timezone=zone)
        ends.append(date.fromisoformat(window_of(arguments)[1]))
    assert ends[0] > ends[1]


@pytest.mark.parametrize(
    "arguments",
    [["--last", "7"], ["--last", "0d"], ["--last", "7d", "--last-month"], ["--last", "7d", "--from", "2026-01-01"]],
)
def test_windows_that_are_none_are_refused(arguments: list[str]) -> None:
    done = _run("bluetick_sql", "ctr_total", *arguments)
    assert done.returncode == 2
    assert "--last" in done.stderr


def test_parquet_holds_names_types_and_values(tmp_path: Path) -> None:
    path = tmp_path / "it's.parquet"
    rows = [
        ['שלום\n"x"', 1, 0.5, True, date(2026, 1, 2), datetime(2026, 1, 2, 3, 4, 5, 6000), None],
        [None, None, 2, None, None, None, None],
    ]
    write_parquet(Result(['a "name"', "b", "c", "d", "e", "f", "g"], rows), path)
    read = duckdb.read_parquet(str(path))
    assert read.columns == ['a "name"', "b", "c", "d", "e", "f", "g"]
    assert [str(kind) for kind in read.types] == [
        *("VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN", "DATE", "TIMESTAMP", "VARCHAR"),
    ]
    assert [list(row) for row in read.fetchall()] == rows
    write_parquet(Result(["a"], []), path)
    assert duckdb.read_parquet(str(path)).fetchall() == []


def test_every_format_writes_a_file(scenario_lake: LocalLake, tmp_path: Path) -> None:
    asked = ["ctr_by_template", *DAYS, "--lake", str(scenario_lake.root)]
    expected = _json(*asked)
    for name in ("csv", "parquet"):
        done = _run("bluetick_sql", *asked, "--format", name, "--out", str(tmp_path / name))
        assert (done.returncode, done.stdout) == (0, "")
    assert [row["template_name"] for row in csv.DictReader(io.StringIO((tmp_path / "csv").read_text()))] == [
        row["template_name"] or "" for row in expected
    ]
    counted = duckdb.read_parquet(str(tmp_path / "parquet")).project("messages, ctr").fetchall()
    assert counted == [(row["messages"], row["ctr"]) for row in expected]
    refused = _run("bluetick_sql", *asked, "--format", "parquet")
    assert (refused.returncode, "--out" in refused.stderr) == (2, True)


def test_the_shell_answers_and_survives_faults(scenario_lake: LocalLake) -> None:
    typed = "\n".join(
        [
            ".tables",
            ".columns clicks",
            "SELECT nothing FROM clicks;",
            ".run nothing",
            ".run ctr_total --last 7x",
            ".what",
            '.run "open',
            "SELECT kind,",
            "  count(*) AS n FROM clicks GROUP BY kind ORDER BY kind;",
            f".run ctr_total --from {WINDOW['from']} --to {WINDOW['to']}",
            ".quit",
            "SELECT 'after the end';",
        ]
    )
    done = _run("bluetick_sql.shell", "--lake", str(scenario_lake.root), "--timezone", TIMEZONE, typed=typed)
    assert (done.returncode, done.stderr) == (0, "")
    for text in (
        "statuses",
        "button_text",
        "error: ",
        "no query is named",
        "7x",
        ".quit",
        "button_reply",
        "click_to_read",
    ):
        assert text in done.stdout
    assert "after the end" not in done.stdout


def test_a_bar_says_how_far_a_query_is() -> None:
    assert bar(0.5, 3.2) == f"[{'#' * 15}{' ' * 15}]  50 %, 3 s"
    assert bar(7.0, 1) == f"[{'#' * 30}] 100 %, 1 s"
    assert bar(None, 12.4) == "running, 12 s"


def test_without_a_terminal_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with shown(lambda: 1 / 0):
        pass
    assert capsys.readouterr().err == ""


def test_a_terminal_changes_nothing_of_the_answer(scenario_lake: LocalLake) -> None:
    command = [sys.executable, "-m", "bluetick_sql", "--sql", "SELECT 1 AS one", "--format", "csv"]
    own, terminal = pty.openpty()
    done = subprocess.run(
        [*command, "--lake", str(scenario_lake.root)], cwd=SQL_ROOT, stdout=subprocess.PIPE, stderr=terminal, check=True
    )
    os.close(terminal)
    os.close(own)
    assert done.stdout == b"one\n1\n"


def test_make_passes_sql_as_it_is_typed(scenario_lake: LocalLake) -> None:
    make = ["make", "--no-print-directory", "-C", str(ROOT), f"LAKE={scenario_lake.root}"]
    text = "WITH ${include:cohort} SELECT 'it''s $5' AS \"a name\", count(*) > 0 AS any FROM sent_messages"
    asked = ["query", f"SQL={text}", f"FROM={WINDOW['from']}", f"TO={WINDOW['to']}", "FORMAT=csv"]
    done = subprocess.run([*make, *asked], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == ["a name,any", "it's $5,True"]
    for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines():
        if line.startswith('    make query SQL="'):
            own = ["query", f"SQL={line.split(chr(34))[1]}", "FORMAT=csv"]
            done = subprocess.run([*make, *own], capture_output=True, text=True, check=True)
            assert "kind,clicks" in done.stdout
            break
    else:
        pytest.fail("the README shows no query of one's own")
    done = subprocess.run([*make, "sql-shell"], capture_output=True, text=True, check=True, input=".tables\n")
    assert "statuses" in done.stdout
