"""The deployed stack in an emulator: signed webhooks over its HTTP API to rows in its lake, with and without faults.

Each webhook that was answered 200 must be in the lake exactly once, and every other must have been answered 503.
"""

from __future__ import annotations

import gzip
import json

import pytest

import endpoint as faults
from deployed_pipeline import Pipeline
from emulator import wait_for
from make_samples import SECRETS
from webhooks import meta_click, meta_statuses, sign, webhooks


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
    pipeline.s3.copy_object(
        Bucket=pipeline.raw, Key=key.replace(".gz", "-again.gz"), CopySource=f"{pipeline.raw}/{key}"
    )
    tally = pipeline.tally(answers)
    report("one object, delivered twice", tally)
    assert (tally.accepted, tally.rows, tally.lost, tally.doubled) == (60, 60, 0, 0)


def test_secrets_and_logs_are_encrypted_with_the_operators_key(pipeline: Pipeline) -> None:
    """The emulator takes no key of buckets, topic and table from a template; test_template.py checks those."""
    client = pipeline.stack.emulator.client
    [key] = [item["KeyArn"] for item in client("kms").list_keys()["Keys"]]
    for output in ("SecretArn", "VerifyTokenSecretArn"):
        secret = client("secretsmanager").describe_secret(SecretId=pipeline.stack.outputs[output])
        assert secret["KmsKeyId"] == key, output
    declared = [name for name in pipeline.stack.resources if name.endswith(("LogGroup", "Logs", "Log"))]
    groups = [group.get("kmsKeyId") for group in client("logs").describe_log_groups()["logGroups"]]
    assert groups.count(key) >= max(len(declared), 3)


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
    # The sender is told to come again though its records were taken: they must not double.
    "taken and closed, and S3 denies": (faults.take_and_close, "denied", 503),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_lose_and_double_nothing(pipeline: Pipeline, name: str) -> None:
    firehose, spill, expected = FAULTS[name]
    spilled_before = len(pipeline.keys(pipeline.raw, "raw/spill/"))
    pipeline.endpoint.behave(firehose, spill)
    answers = pipeline.send_all(webhooks(name.replace(" ", "-"), 24))
    calls, failed, spilled = pipeline.endpoint.calls, pipeline.endpoint.entries_failed, pipeline.endpoint.spilled
    pipeline.endpoint.behave(None)
    if "hang" in name:
        # An open circuit breaker would bypass Firehose in the next test.
        pipeline.restart_ingest()
    pipeline.endpoint.flush(pipeline.s3, pipeline.raw)
    tally = pipeline.tally(answers)
    report(name, f"{tally}; calls to Firehose {calls}, entries failed {failed}, spilled objects {spilled}")
    assert (tally.lost, tally.doubled, tally.other) == (0, 0, 0)
    assert (tally.accepted if expected == 200 else tally.unavailable) == 24
    # While calls hang, the circuit breaker of an environment lets few of them through.
    assert calls >= (3 if "hang" in name else 24)
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


def test_a_hanging_firehose_is_asked_a_few_times_only(pipeline: Pipeline) -> None:
    """Else each webhook would wait for its budget, and the function would run out of concurrency."""
    pipeline.endpoint.behave(faults.hang)
    answers = pipeline.send_all(webhooks("breaker", 12), at_once=1)
    calls, spilled = pipeline.endpoint.calls, pipeline.endpoint.spilled
    pipeline.endpoint.behave(None)
    pipeline.restart_ingest()
    tally = pipeline.tally(answers)
    report(
        "Firehose hangs, one webhook after another", f"{tally}; calls to Firehose {calls}, spilled objects {spilled}"
    )
    assert (tally.accepted, tally.rows, tally.lost, tally.doubled) == (12, 12, 0, 0)
    assert spilled == 12
    # Up to two environments, each with the calls that open its breaker and those of the webhook in which it opens.
    assert calls <= 10


def test_some_of_many_records_fail_and_only_they_are_sent_again(pipeline: Pipeline) -> None:
    """A webhook of almost 3 MB needs several records; every other entry of each call fails, until none is left."""
    big = meta_statuses([f"wamid.big-{number:06}" for number in range(13_000)])
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
    report(
        "a body of 3 MB, single entries failing", f"{tally}; records {taken}, entries failed {failed}, sent {len(seen)}"
    )
    assert (tally.accepted, tally.rows, tally.lost, tally.doubled) == (1, 13_000, 0, 0)
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


def test_broken_lines_are_kept_and_their_neighbours_become_rows(pipeline: Pipeline) -> None:
    pipeline.endpoint.behave(faults.accept)
    answers = pipeline.send_all(webhooks("neighbour", 6))
    pipeline.endpoint.take([b'{"table": "clicks", "click_id": "no time"}\n', b"not json\n"])
    assert pipeline.endpoint.flush(pipeline.s3, pipeline.raw) == 8
    tally = pipeline.tally(answers)
    rejected, rejections = (
        [
            pipeline.s3.get_object(Bucket=pipeline.lake, Key=key)["Body"].read()
            for key in pipeline.keys(pipeline.lake, folder)
        ]
        for folder in ("rejected/", "rejections/")
    )
    counted = sum(json.loads(line)["line_count"] for content in rejections for line in content.splitlines())
    report("two broken lines among good ones", f"{tally}; rejected objects {len(rejected)}")
    assert (tally.accepted, tally.rows, tally.lost, tally.doubled) == (6, 6, 0, 0)
    assert counted == sum(content.count(b"\n") for content in rejected) >= 2
    assert not any(b"no time" in content for content in rejections)
    assert any(b"not json" in content for content in rejected) and any(b"no time" in content for content in rejected)


def test_a_poison_object_fails_alone_and_ends_in_the_dead_letter_queue(pipeline: Pipeline) -> None:
    sqs = pipeline.stack.emulator.client("sqs")
    queue = pipeline.stack.outputs["QueueUrl"]
    # Five tries at the stack's own visibility timeout would take an hour.
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})
    broken = gzip.compress(b"{}\n" * 1000)[:-20]
    pipeline.s3.put_object(Bucket=pipeline.raw, Key="raw/2026/01/01/00/truncated.gz", Body=broken)
    answers = pipeline.send_all(webhooks("beside-poison", 6))
    wait_for("the dead letter", lambda: pipeline.waiting(dead_letters(pipeline)) == 1)
    tally = pipeline.tally(answers)
    report("a truncated object", f"{tally}; dead letters 1")
    assert (tally.accepted, tally.rows, tally.lost, tally.doubled) == (6, 6, 0, 0)
    sqs.purge_queue(QueueUrl=dead_letters(pipeline))
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "750"})


def test_the_sweep_runs_and_takes_nothing_that_is_named(pipeline: Pipeline) -> None:
    before = pipeline.rows()
    answer = pipeline.stack.emulator.client("lambda").invoke(
        FunctionName=pipeline.stack.resources["SweepFunction"], Payload=b"{}"
    )
    assert answer["StatusCode"] == 200 and "FunctionError" not in answer, answer["Payload"].read()
    assert pipeline.rows() == before and before


def test_roles_are_enforced(pipeline: Pipeline) -> None:
    """The control of every test above: without its permission to spill, ingest cannot."""
    iam = pipeline.stack.emulator.client("iam")
    role = {"RoleName": pipeline.stack.resources["IngestRole"], "PolicyName": "ingest"}
    document = iam.get_role_policy(**role)["PolicyDocument"]
    statements = [statement for statement in document["Statement"] if statement["Sid"] != "Spill"]
    assert len(statements) == len(document["Statement"]) - 1
    pipeline.endpoint.behave(faults.throttle)
    iam.put_role_policy(**role, PolicyDocument=json.dumps({**document, "Statement": statements}))
    try:
        denied = pipeline.send_all(webhooks("no-permission", 6))
    finally:
        iam.put_role_policy(**role, PolicyDocument=json.dumps(document))
    allowed = pipeline.send_all(webhooks("permission", 6))
    assert ([answer.status for answer in denied], [answer.status for answer in allowed]) == ([503] * 6, [200] * 6)


def test_a_loss_would_be_seen(pipeline: Pipeline) -> None:
    """The control of the counts: a Firehose that lies loses rows."""
    pipeline.endpoint.behave(faults.lie)
    answers = pipeline.send_all(webhooks("lost", 6))
    pipeline.drain()
    tally = pipeline.measure(answers)
    report("control: a Firehose that lies", tally)
    assert (tally.accepted, tally.lost) == (6, 6)


def test_a_double_would_be_seen(pipeline: Pipeline) -> None:
    """The control of the counts: a manifest that names a part twice doubles its rows."""
    answers = pipeline.send_all(webhooks("doubled", 6))
    assert pipeline.tally(answers).doubled == 0
    manifests = pipeline.keys(pipeline.lake, "manifest/")
    contents = {key: pipeline.s3.get_object(Bucket=pipeline.lake, Key=key)["Body"].read() for key in manifests}
    for key, content in contents.items():
        pipeline.s3.put_object(Bucket=pipeline.lake, Key=key, Body=content + content)
    try:
        tally = pipeline.measure(answers)
    finally:
        for key, content in contents.items():
            pipeline.s3.put_object(Bucket=pipeline.lake, Key=key, Body=content)
    report("control: manifests that name everything twice", tally)
    assert tally.doubled == 6


def dead_letters(pipeline: Pipeline) -> str:
    return pipeline.stack.resources["DeadLetterQueue"]
