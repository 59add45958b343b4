"""Look-ups of the deployed stack: its table, its roles, and what becomes of updates while DynamoDB fails."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deployed_pipeline import Pipeline
from emulator import wait_for
from make_samples import SECRETS

TOKEN = {"X-Webhook-Token": SECRETS["TRACKER_TOKENS"]}
# 2026-01-15T10:30:00Z.
SENT = 1_768_473_000


def ask(pipeline: Pipeline, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    content = b"" if body is None else json.dumps(body).encode()
    status, answer = pipeline.request(method, f"/api/webhooks/{path}", TOKEN, content)
    return status, json.loads(answer)


def post(pipeline: Pipeline, path: str, body: Any) -> Any:
    status, answer = ask(pipeline, "POST", path, body)
    assert status == 200, answer
    return answer


def tell(pipeline: Pipeline, wamid: str, status: str, seconds: int) -> Any:
    body = {"wamid": wamid, "recipient_id": "15550009999", "status": status, "timestamp": SENT + seconds}
    return post(pipeline, "message-status/", body)


def send(pipeline: Pipeline, wamid: str, event: str) -> Any:
    return post(
        pipeline, "track-send/", {"wa_id": "15550009999", "template_wamid": wamid, "event_id": event, "sent_at": SENT}
    )


def states(pipeline: Pipeline, *wamids: str) -> dict[str, str]:
    status, answer = ask(pipeline, "POST", "message-status-lookup/", {"wamids": wamids})
    assert status == 200, answer
    return {wamid: entry["status"] for wamid, entry in answer["statuses"].items()}


def notes(pipeline: Pipeline) -> list[str]:
    return pipeline.keys(pipeline.lake, "lookups/due/")


def test_the_stacks_own_table_answers(pipeline: Pipeline) -> None:
    assert send(pipeline, "wamid.stack1", "event-stack")["ok"]
    wait_for("the store", lambda: states(pipeline, "wamid.stack1") == {"wamid.stack1": "sent"})
    tell(pipeline, "wamid.stack1", "read", 20)
    tell(pipeline, "wamid.stack1", "delivered", 10)
    wait_for("the status", lambda: states(pipeline, "wamid.stack1") == {"wamid.stack1": "read"})
    status, answer = ask(pipeline, "GET", "message-logs/?event_id=event-stack")
    assert status == 200 and [log["wamid"] for log in answer["logs"]] == ["wamid.stack1"]
    assert ask(pipeline, "GET", "message-logs/latest/?registration_id=none") == (200, {"log": None})
    assert ask(pipeline, "GET", "message-logs/?standalone=perhaps")[0] == 400


@pytest.mark.parametrize("fault", ["throttled", "denied", "hangs", "answers are lost"])
def test_an_outage_loses_no_update_and_fails_no_object(pipeline: Pipeline, fault: str) -> None:
    wamids = [f"wamid.{fault.replace(' ', '-')}{number}" for number in range(4)]
    pipeline.endpoint.behave(None, dynamodb=fault)
    for wamid in wamids:
        assert send(pipeline, wamid, "event-fault")["ok"]
        assert tell(pipeline, wamid, "delivered", 10)["ok"]
    assert ask(pipeline, "GET", "message-logs/")[0] == 503
    # The transform has done the objects, and noted what the table lacks.
    wait_for("the notes", lambda: notes(pipeline))
    wait_for("the rows", lambda: all(pipeline.rows()["sends", wamid] == 1 for wamid in wamids))
    pipeline.drain()
    assert pipeline.waiting(pipeline.stack.resources["DeadLetterQueue"]) == 0
    pipeline.endpoint.behave(None)
    if fault != "answers are lost":
        # A control: without the repair the updates are missing.
        assert states(pipeline, *wamids) == {}

    # A new environment reads the notes with its first batch.
    pipeline.restart_transform()
    tell(pipeline, "wamid.next", "sent", 0)
    wait_for("the repair", lambda: states(pipeline, *wamids) == dict.fromkeys(wamids, "delivered"))
    wait_for("no note", lambda: not notes(pipeline))
