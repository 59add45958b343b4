"""The soak: what `make soak` would run, when it stops, and what it says of failures."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

import fuzz_corpus
import soak
from binaries import ROOT


def test_no_minutes_list_the_commands_and_run_none() -> None:
    listed = subprocess.run(
        ["make", "-s", "soak", "MINUTES=0", "SEED=7"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    names = [line.split(":")[0] for line in listed.splitlines()[1:]]
    assert names == ["model", "fuzz", "truth", "trino", "kill", "chaos"]
    assert listed.count("SEED=7 ") == 5


def test_every_file_and_test_that_a_stage_names_exists() -> None:
    commands = " ".join(stage.command for stage in soak.STAGES)
    files = re.findall(r"tests/[\w/]+\.py", commands)
    assert len(files) == 5
    assert [file for file in files if not (ROOT / file).is_file()] == []
    assert "fn no_schedule_breaks" in (ROOT / "crates/lake/tests/lake/model.rs").read_text(encoding="utf-8")
    readers = {
        "MODEL_SEED": "crates/lake/tests/lake/model.rs",
        "MODEL_SCHEDULES": "crates/lake/tests/lake/model.rs",
        "FUZZ_SEED": "crates/events/tests/fuzz.rs",
        "FUZZ_EXECUTIONS": "crates/events/tests/fuzz.rs",
        "BLUETICK_SEEDS": "tests/sql/test_truth.py",
        "BLUETICK_MESSAGES": "tests/sql/test_truth.py",
        "BLUETICK_TRINO_SEEDS": "tests/athena/test_truth_on_trino.py",
    }
    assert set(re.findall(r"\b([A-Z_]+)=", commands)) == {*readers, "BLUETICK_SEED"}
    for name, file in [*readers.items(), *(("BLUETICK_SEED", file) for file in files[:3])]:
        assert f'"{name}"' in (ROOT / file).read_text(encoding="utf-8"), (name, file)


def test_it_goes_on_after_a_failure_until_the_time_is_up(capsys: pytest.CaptureFixture[str]) -> None:
    now, ran = [0.0], []

    def run(command: str) -> bool:
        now[0] += 30
        ran.append(command)
        return "FUZZ_SEED=1000005 " not in command

    # Nine runs of half a minute begin within four and a half minutes: a round and a half.
    assert soak.soak(4.5, 5, run, lambda: now[0]) == 1
    assert len(ran) == 9
    assert ran[0] != ran[6]
    printed = capsys.readouterr().out
    assert "runs: model 2, fuzz 2, truth 2, trino 1, kill 1, chaos 1" in printed
    assert [line for line in printed.splitlines() if line.startswith("failed: ")] == [f"failed: bash -c '{ran[7]}'"]


def test_a_time_that_is_too_short_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]

    def run(command: str) -> bool:
        now[0] += 60
        return True

    assert soak.soak(2, 1, run, lambda: now[0]) == 1
    assert "never ran, the time was too short: truth, trino, kill, chaos" in capsys.readouterr().out
    assert soak.soak(6, 1, run, lambda: now[0]) == 0


def test_the_nightly_workflow_runs_the_soak() -> None:
    workflow = (ROOT / "infra" / "github_actions_nightly.yaml").read_text(encoding="utf-8")
    assert "      - run: make soak MINUTES=" in workflow
    assert re.search(r"^  schedule:\n    - cron: ", workflow, re.M)


def test_the_corpus_of_coverage_guided_fuzzing_is_every_fixture_with_its_provider(tmp_path: Path) -> None:
    source = (ROOT / "crates/events/src/providers.rs").read_text(encoding="utf-8")
    order = re.findall(r"^    \w+ => (\w+),$", source, re.M)
    assert sorted(fuzz_corpus.providers()) == sorted(order)
    fuzz_corpus.write(tmp_path)
    inputs = sorted(tmp_path.iterdir())
    assert len(inputs) > 200
    for path in inputs:
        choice, body = path.read_bytes()[0], path.read_bytes()[1:]
        assert path.name.startswith(order[choice % len(order)] + "_")
        assert body[:1] in (b"{", b"[")
    assert {path.read_bytes()[0] & 192 for path in inputs} == {0, 192}
