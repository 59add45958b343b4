"""The archive of original bodies in the deployed stack: what ingest keeps, under its own role, and while it cannot."""

from __future__ import annotations

import gzip
import json
from collections import Counter

import pytest

from deployed_pipeline import Answer, Pipeline
from emulator import wait_for
from test_restore import bluetick, operator
from webhooks import Webhook, meta_click, webhooks

__all__ = ["operator"]


def archive_of(pipeline: Pipeline) -> str:
    return pipeline.stack.outputs["ArchiveBucketName"]


def archived(pipeline: Pipeline) -> Counter[str]:
    """The bodies of the archive, and how often each is there."""
    found: Counter[str] = Counter()
    for key in pipeline.keys(archive_of(pipeline), "archive/"):
        content = pipeline.s3.get_object(Bucket=archive_of(pipeline), Key=key)["Body"].read()
        text = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
        found.update(json.loads(line)["body"] for line in text.splitlines())
    return found


def metrics(pipeline: Pipeline, name: str) -> float:
    """The sum of a metric in the function's log lines, from which CloudWatch makes it."""
    logs = pipeline.stack.emulator.client("logs")
    group = pipeline.stack.resources["IngestLogGroup"]
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
    total = 0.0
    for event in (event for page in pages for event in page["events"]):
        if '"_aws"' in event["message"]:
            total += json.loads(event["message"]).get(name, 0)
    return total


def accepted(pipeline: Pipeline, sent: list[Webhook]) -> list[Answer]:
    """The answers with status 200. Webhooks that were refused are sent again, as a new stack may refuse the first."""
    done: list[Answer] = []
    for _ in range(5):
        answers = pipeline.send_all(sent, at_once=2)
        done += [answer for answer in answers if answer.status == 200]
        sent = [answer.webhook for answer in answers if answer.status != 200]
    assert not sent
    return done


def test_authentic_bodies_are_archived_and_make_the_same_rows_again_and_those_that_were_lost(
    pipeline: Pipeline, operator: dict[str, str]
) -> None:
    answers = accepted(pipeline, webhooks("archived", 6))
    forged = meta_click("wamid.forged-body")
    pipeline.request("POST", forged.path, {"X-Hub-Signature-256": "sha256=00"}, forged.body)
    bodies = {answer.webhook.body.decode() for answer in answers}
    wait_for("the bodies", lambda: bodies <= archived(pipeline).keys())
    found = archived(pipeline)
    # At least once: a call of Firehose that was slow may be repeated.
    assert forged.body.decode() not in found
    tally = pipeline.tally(answers)
    assert (tally.accepted, tally.lost, tally.doubled) == (6, 0, 0)
    # A body whose records were lost.
    lost = meta_click("wamid.lost")
    line = {"route": lost.path, "received_at": 1_760_000_100_000, "body": lost.body.decode()}
    key = "archive/2026/11/20/12/lost.gz"
    pipeline.s3.put_object(Bucket=archive_of(pipeline), Key=key, Body=gzip.compress(json.dumps(line).encode()))
    before = pipeline.rows()

    raw = f"s3://{pipeline.raw}/raw/reflatten"
    command = ["reflatten", f"s3://{archive_of(pipeline)}/archive", "--raw", raw, "--lake", f"s3://{pipeline.lake}"]
    done = bluetick(operator, *command, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["bodies"] == sum(found.values()) + 1
    # The raw bucket tells the transform.
    wait_for("the recovered row", lambda: all(pipeline.rows()[row] == 1 for row in lost.rows))
    pipeline.drain()
    assert pipeline.rows() == before + Counter(lost.rows)


@pytest.mark.parametrize("fault", ["denied", "hangs"])
def test_an_archive_that_fails_costs_no_webhook(pipeline: Pipeline, fault: str) -> None:
    before = metrics(pipeline, "NotArchived")
    pipeline.endpoint.behave(None, archive=fault)
    answers = pipeline.send_all(webhooks(f"unarchived-{fault}", 4), at_once=2)
    pipeline.endpoint.behave(None)
    if fault == "hangs":
        pipeline.restart_ingest()
    tally = pipeline.tally(answers)
    print(f"the archive {fault}: {tally}; slowest answer {max(answer.seconds for answer in answers):.1f} s")
    assert (tally.accepted, tally.lost, tally.doubled) == (4, 0, 0)
    assert not {answer.webhook.body.decode() for answer in answers} & archived(pipeline).keys()
    wait_for("the metric of the alarm", lambda: metrics(pipeline, "NotArchived") == before + 4)
