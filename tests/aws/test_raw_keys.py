"""Raw objects under every kind of key that S3 can hold: through notifications, and through listings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import endpoint as faults
from deployed_pipeline import Pipeline
from webhooks import webhooks

FOLDER = "raw/keys"
KEYS = [
    f"{FOLDER}//empty-segment.ndjson",
    f"{FOLDER}/a/../b/./dots.ndjson",
    f"{FOLDER}/..",
    f"{FOLDER}/ends-with-a-slash/",
    f"{FOLDER}/tab\tand\x01\x7f.ndjson",
    f"{FOLDER}/%2e%2E/percent 100%.ndjson",
    f"{FOLDER}/plus+space &?#=ü😀.ndjson",
    f"{FOLDER}/plain.ndjson",
]


@pytest.fixture(scope="module")
def stored(pipeline: Pipeline) -> list:
    """Puts the records of one webhook under each key, and returns the answers to the webhooks."""
    answers = []
    for number, key in enumerate(KEYS):
        pipeline.endpoint.behave(faults.accept)
        answers += pipeline.send_all(webhooks(f"key-{number}", 1))
        body = b"".join(pipeline.endpoint.taken())
        assert body
        pipeline.s3.put_object(Bucket=pipeline.raw, Key=key, Body=body)
    return answers


def test_the_function_reads_every_key(pipeline: Pipeline, stored: list) -> None:
    assert sorted(pipeline.keys(pipeline.raw, FOLDER)) == sorted(KEYS)
    tally = pipeline.tally(stored)
    print(f"raw objects under {len(KEYS)} kinds of keys: {tally}")
    assert (tally.accepted, tally.rows, tally.lost, tally.doubled) == (len(KEYS), len(KEYS), 0, 0)


def test_an_empty_folder_marker_is_no_raw_object(pipeline: Pipeline) -> None:
    pipeline.s3.put_object(Bucket=pipeline.raw, Key=f"{FOLDER}/folder/", Body=b"")
    pipeline.drain()
    assert pipeline.waiting(pipeline.stack.resources["DeadLetterQueue"]) == 0


def test_a_replay_lists_and_reads_every_key_and_skips_it_when_it_is_repeated(
    pipeline: Pipeline, stored: list, tmp_path: Path
) -> None:
    # The wildcards of the emulator's policies match no line end, so the function may not read such a key. S3 starts no
    # notification for this prefix.
    folder = "elsewhere"
    for key in [*KEYS, f"{FOLDER}/line\nend.ndjson"]:
        body = pipeline.s3.get_object(Bucket=pipeline.raw, Key=key)["Body"].read() if key in KEYS else b"{}"
        pipeline.s3.put_object(Bucket=pipeline.raw, Key=key.replace(FOLDER, folder), Body=body)
    lake = f"file://{tmp_path}/lake"
    checkpoint = str(tmp_path / "checkpoint")
    command = ["replay", f"s3://{pipeline.raw}/{folder}", "--lake", lake, "--checkpoint", checkpoint, "--json"]
    first = pipeline.bluetick(tmp_path, *command)
    assert first.returncode == 0, first.stderr
    report = json.loads(first.stdout)
    assert (report["objects"], report["failed"]) == (len(KEYS) + 1, [])
    assert (report["new"], report["rejected"]) == (len(KEYS), 1)
    again = pipeline.bluetick(tmp_path, *command)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["objects_skipped"] == len(KEYS) + 1


def test_a_missing_object_fails_alone_and_under_its_own_name(pipeline: Pipeline, stored: list, tmp_path: Path) -> None:
    """The signature of a request for such a key is valid: the answer is 404 and not 403, and no other key is read."""
    client = pipeline.stack.emulator.client("lambda")
    keys = [f"{FOLDER}//no/../plain.ndjson", f"{FOLDER}/x/../plain.ndjson", f"/{FOLDER}/plain.ndjson"]
    records = [
        {"messageId": str(number), "eventSource": "aws:sqs", "body": json.dumps(notification(pipeline.raw, key))}
        for number, key in enumerate([*keys, KEYS[0]])
    ]
    answer = client.invoke(
        FunctionName=pipeline.stack.resources["TransformFunction"], Payload=json.dumps({"Records": records}).encode()
    )
    failures = json.loads(answer["Payload"].read())["batchItemFailures"]
    assert [failure["itemIdentifier"] for failure in failures] == ["0", "1", "2"]


def notification(bucket: str, key: str) -> dict:
    """An event of EventBridge, whose key is not encoded."""
    return {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": bucket}, "object": {"key": key, "size": 1}},
    }
