"""The deployed stack in an emulator: signed webhooks over its HTTP API to rows in its lake, with and without faults.

Each webhook that was answered 200 must be in the lake exactly once, and every other must have been answered 503.
"""

from __future__ import annotations

import gzip
import json

import pytest

import endpoint as faults
from pipeline import Answer, Pipeline
from webhooks import SECRETS, meta_click, meta_statuses, sign, webhooks


def report(what: str, outcome: object) -> None:
    print(f"{what}: {outcome}")


def test_webhooks_become_rows_through_the_emulators_own_firehose(pipeline: Pipeline) -> None:
    once = webhooks("own-firehose", 60)
    # Every webhook comes twice, as providers do; the second time in another order.
    answers = pipeline.send_all(once + once[::-1])
    tally = pipeline.tally(answers)
    report("emulator's Firehose, each webhook twice", tally)
    assert (tally.accepted, tally.rows, tally.lost, tally.doubled) == (120, 60, 0, 0)
    assert pipeline.waiting(dead_letters(pipeline)) == 0


def test_a_gathered_gzip_object_becomes_rows_once_though_it_is_delivered_twice(pipeline: Pipeline) -> None:
    pipeline.endpoint.behave(faults.accept)
    answers = pipeline.send_all(webhooks("gathered", 60))
    assert pipeline.endpoint.flush(pipeline.s3, pipeline.raw) == 60
    [key] = [key for key in pipeline.keys(pipeline.raw, "raw/2026/01/") if key.endswith(".gz")][-1:]
    # Firehose's own retry: the same records under another name.
    pipeline.s3.copy_object(Bucket=pipeline.raw, Key=key.replace(".gz", "-again.gz"), CopySource=f"{pipeline.raw}/{key}")
    tally = pipeline.tally(answers)
    report("one object, delivered twice", tally)
    assert (tally.accepted, tally.rows, tally.lost, tally.doubled) == (60, 60, 0, 0)


FAULTS = {
    # name: Firehose, the spill, and whether all are answered 200.
    "single calls throttled": (faults.sometimes(faults.throttle, 2), "works", 200),
    "every call throttled": (faults.throttle, "works", 200),
    "single entries fail": (faults.sometimes(faults.fail_every_other, 2), "works", 200),
    "every entry fails": (faults.fail_all, "works", 200),
    "single calls hang": (faults.sometimes(faults.hang, 3), "works", 200),
    "every call hangs": (faults.hang, "works", 200),
    "every call is taken and hangs": (faults.take_and_hang, "works", 200),
    "every connection closes": (faults.close, "works", 200),
    "every call is taken and closes": (faults.take_and_close, "works", 200),
    "throttled, and S3 denies": (faults.throttle, "denied", 503),
    "entries fail, and S3 denies": (faults.fail_all, "denied", 503),
    "hanging, and S3 denies": (faults.hang, "denied", 503),
    "hanging, and S3 hangs": (faults.hang, "hangs", 503),
    "closed, and S3 denies": (faults.close, "denied", 503),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_lose_and_double_nothing(pipeline: Pipeline, name: str) -> None:
    firehose, spill, expected = FAULTS[name]
    spilled_before = len(pipeline.keys(pipeline.raw, "raw/spill/"))
    pipeline.endpoint.behave(firehose, spill)
    answers = pipeline.send_all(webhooks(name.replace(" ", "-"), 24))
    calls, failed, spilled = pipeline.endpoint.calls, pipeline.endpoint.entries_failed, pipeline.endpoint.spilled
    pipeline.endpoint.behave(None)
    pipeline.endpoint.flush(pipeline.s3, pipeline.raw)
    tally = pipeline.tally(answers)
    report(name, f"{tally}; calls to Firehose {calls}, entries failed {failed}, spilled objects {spilled}")
    assert (tally.lost, tally.doubled, tally.other) == (0, 0, 0)
    assert (tally.accepted if expected == 200 else tally.unavailable) == 24
    assert calls >= 24
    assert len(pipeline.keys(pipeline.raw, "raw/spill/")) - spilled_before == spilled
    if expected == 200 and not name.startswith("single"):
        assert spilled == 24
    if expected == 503:
        assert spilled == 0
        # The sender tries again when all is well, as it was told to.
        again = pipeline.send_all([answer.webhook for answer in answers])
        tally = pipeline.tally(again)
        report(f"{name}, sent again", tally)
        assert (tally.accepted, tally.rows, tally.lost, tally.doubled) == (24, 24, 0, 0)


def test_some_of_many_records_fail_and_only_they_are_sent_again(pipeline: Pipeline) -> None:
    """A webhook of almost 3 MB needs several records; every other entry of each call fails, until none is left."""
    big = meta_statuses([f"wamid.big-{number:06}" for number in range(12_000)])
    assert 2_500_000 < len(big.body) < 3_000_000
    seen: list[bytes] = []

    def behaviour(call: faults.Call) -> None:
        seen.extend(call.records)
        faults.fail_every_other(call) if len(call.records) > 1 else faults.accept(call)

    pipeline.endpoint.behave(behaviour)
    answers = pipeline.send_all([big])
    taken = pipeline.endpoint.flush(pipeline.s3, pipeline.raw)
    failed = pipeline.endpoint.entries_failed
    pipeline.endpoint.behave(None)
    tally = pipeline.tally(answers)
    report("a body of 3 MB, single entries failing", f"{tally}; records {taken}, entries failed {failed}, sent {len(seen)}")
    assert (tally.accepted, tally.rows, tally.lost, tally.doubled) == (1, 12_000, 0, 0)
    assert taken > 2 and failed > 0
    assert len(seen) == taken + failed, "a record that was taken was sent again"


def test_forged_webhooks_are_refused_and_leave_nothing(pipeline: Pipeline) -> None:
    genuine = meta_click("wamid.forged")
    forged = [
        {"X-Hub-Signature-256": sign("another secret", genuine.body)},
        {"X-Hub-Signature-256": genuine.headers["X-Hub-Signature-256"][:-1]},
        {},
    ]
    raw_before = len(pipeline.keys(pipeline.raw, "raw/"))
    statuses = [pipeline.request("POST", genuine.path, headers, genuine.body)[0] for headers in forged]
    changed = genuine.body.replace(b"wamid.forged", b"wamid.changed")
    statuses.append(pipeline.request("POST", genuine.path, genuine.headers, changed)[0])
    assert statuses == [401] * 4
    assert len(pipeline.keys(pipeline.raw, "raw/")) == raw_before


def test_the_handshake_and_the_health_check(pipeline: Pipeline) -> None:
    query = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token="
    token = SECRETS["META_VERIFY_TOKENS"]
    assert pipeline.request("GET", f"/webhooks/meta?{query}{token}", {}) == (200, b"1158201444")
    assert pipeline.request("GET", f"/webhooks/meta?{query}wrong", {})[0] == 401
    health = f"/_aws/execute-api/{pipeline.stack.api_id}/$default/health"
    assert pipeline.request("GET", health, {"Host": "localhost"}) == (200, b'{"ok":true}')
    assert pipeline.request("PUT", "/webhooks/meta", {})[0] == 405
    assert pipeline.request("GET", "/elsewhere", {})[0] == 404


def test_a_poison_object_ends_in_the_dead_letter_queue_or_under_rejected(pipeline: Pipeline) -> None:
    """Its neighbour in the same notification batch is not held up."""
    neighbour = webhooks("neighbour", 6)
    answers: list[Answer] = pipeline.send_all(neighbour)
    line = json.dumps({"table": "clicks", "click_id": "no time"}).encode()
    pipeline.s3.put_object(Bucket=pipeline.raw, Key="raw/2026/01/01/00/broken.gz", Body=gzip.compress(line + b"\nnot json\n"))
    tally = pipeline.tally(answers)
    report("a broken object among others", tally)
    assert (tally.accepted, tally.rows, tally.lost, tally.doubled) == (6, 6, 0, 0)
    rejected = pipeline.keys(pipeline.lake, "rejected/")
    assert rejected, "the broken lines are nowhere"


def dead_letters(pipeline: Pipeline) -> str:
    return pipeline.stack.resources["DeadLetterQueue"]
