"""The functions under an emulation of Lambda: answers, records in the sink, Parquet in the lake."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow.parquet
import pytest

import invoke
import lambda_emulator

EVENTS = invoke.EVENTS


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("invoke")


@pytest.fixture(scope="module")
def functions(place: Path):
    (place / "raw").mkdir()
    settings = {
        "SINK_URL": (place / "raw").as_uri(),
        "RAW_URL": (place / "raw").as_uri(),
        "LAKE_URL": (place / "lake").as_uri(),
    }
    with lambda_emulator.functions(place / "functions.log", **settings) as running:
        yield running


def lines(raw: Path) -> list[dict]:
    objects = sorted(raw.rglob("*.gz"))
    return [json.loads(line) for obj in objects for line in gzip.open(obj, "rt").read().splitlines()]


def test_every_sample_is_answered_and_its_records_are_in_the_sink(
    functions: lambda_emulator.Functions, place: Path
) -> None:
    raw = place / "raw"
    expected = {}
    for event in sorted((EVENTS / "apigateway").glob("*.json")):
        before = len(lines(raw))
        answer = functions.invoke("ingest", event)
        added = len(lines(raw)) - before
        forged, handshake = event.name.startswith("forged"), "handshake" in event.name
        expected[event.name] = (401, 0) if forged else (200, 0) if handshake else (200, max(added, 1))
        assert (answer["statusCode"], added) == expected[event.name], event.name
        if handshake and not forged:
            assert answer["body"] == "1158201444"
            assert answer["headers"]["content-type"] == "text/plain"
    assert len(expected) >= 40


def test_raw_objects_become_parquet_and_test_events_are_acknowledged(
    functions: lambda_emulator.Functions, place: Path
) -> None:
    raw, lake = place / "raw", place / "lake"
    acknowledged = {"batchItemFailures": []}
    objects = sorted(raw.rglob("*.gz"))
    assert objects
    for _ in range(2):
        for obj in objects:
            assert functions.invoke("transform", invoke.raw_object_event(raw, obj)) == acknowledged
        clicks = list((lake / "manifest" / "clicks").rglob("symlink.txt"))
        rows = sum(
            pyarrow.parquet.read_metadata(uri.removeprefix("file://")).num_rows
            for path in clicks
            for uri in path.read_text().split()
        )
        assert rows == len({line["click_id"] for line in lines(raw) if line["table"] == "clicks"})
    assert functions.invoke("transform", EVENTS / "sqs" / "test_event.json") == acknowledged


def test_a_message_that_cannot_be_handled_fails_alone(functions: lambda_emulator.Functions, place: Path) -> None:
    raw = place / "raw"
    event = invoke.raw_object_event(raw, sorted(raw.rglob("*.gz"))[0])
    poison = json.loads(json.dumps(event["Records"][0])) | {"messageId": "poison", "body": "no notification"}
    missing = json.loads((EVENTS / "sqs" / "raw_object.json").read_text())["Records"][0] | {"messageId": "missing"}
    event["Records"] += [poison, missing]
    answer = functions.invoke("transform", event)
    assert [failure["itemIdentifier"] for failure in answer["batchItemFailures"]] == ["poison", "missing"]


def test_the_sweep_answers(functions: lambda_emulator.Functions) -> None:
    assert functions.invoke("sweep", {"source": "aws.scheduler"}) is None
