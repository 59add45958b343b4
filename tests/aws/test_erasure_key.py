"""The key of the list of erasures is a secret of the operator: the functions read it, and the lake never holds it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from deployed_pipeline import Pipeline
from deployment import ERASURE_KEY
from webhooks import meta_status_of

PERSON = "4915112345678"


def bluetick(
    pipeline: Pipeline, home: Path, *arguments: str, key: str | None = ERASURE_KEY
) -> subprocess.CompletedProcess[str]:
    return pipeline.bluetick(home, *arguments, "--lake", f"s3://{pipeline.lake}", erasure_key=key)


def configuration(pipeline: Pipeline, function: str) -> dict:
    name = pipeline.stack.resources[function]
    return pipeline.stack.emulator.client("lambda").get_function_configuration(FunctionName=name)


@pytest.mark.parametrize("function", ["TransformFunction", "SweepFunction"])
def test_the_configuration_of_a_function_names_the_secret_and_does_not_hold_it(
    pipeline: Pipeline, function: str
) -> None:
    variables = configuration(pipeline, function)["Environment"]["Variables"]
    assert variables["ERASURE_KEY_ID"].startswith("arn:aws:secretsmanager:")
    assert ERASURE_KEY not in json.dumps(configuration(pipeline, function), default=str)


def test_the_functions_use_the_operators_key(pipeline: Pipeline, tmp_path: Path) -> None:
    before = pipeline.send_all([meta_status_of("wamid.erased-1", PERSON), meta_status_of("wamid.kept-1", "491511999")])
    assert pipeline.tally(before).lost == 0
    erased = bluetick(pipeline, tmp_path, "erase", "--wa-id", PERSON)
    assert erased.returncode == 0, erased.stderr
    # The functions that run already have read the key; new ones read it, too.
    pipeline.restart_transform()
    answers = pipeline.send_all([meta_status_of("wamid.erased-2", PERSON), meta_status_of("wamid.kept-2", "491511999")])
    assert [answer.status for answer in answers] == [200, 200]
    assert pipeline.tally(answers[1:]).lost == 0
    pipeline.drain()
    found = {name for _, name in pipeline.rows()}
    assert {"wamid.kept-1", "wamid.kept-2"} <= found
    assert not {"wamid.erased-1", "wamid.erased-2"} & found
    swept = pipeline.stack.emulator.client("lambda").invoke(
        FunctionName=pipeline.stack.resources["SweepFunction"], Payload=b"{}"
    )
    assert "FunctionError" not in swept, swept["Payload"].read()
    # The lake holds the list, and no key.
    assert pipeline.keys(pipeline.lake, "erasures/") == ["erasures/list.json"]
    listed = pipeline.s3.get_object(Bucket=pipeline.lake, Key="erasures/list.json")["Body"].read().decode()
    assert listed
    assert PERSON not in listed
    assert ERASURE_KEY not in listed


def test_without_the_key_a_command_says_so(pipeline: Pipeline, tmp_path: Path) -> None:
    """Runs after the erasure: the list is not empty."""
    for key in (None, "another-key"):
        refused = bluetick(pipeline, tmp_path, "erase", "--again", key=key)
        assert refused.returncode != 0
        assert "ERASURE_KEY" in refused.stderr, refused.stderr
    verified = bluetick(pipeline, tmp_path, "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
