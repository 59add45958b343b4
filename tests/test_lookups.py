"""The look-ups: the requests of the application on both stores, against the lake, from TypeScript, under load."""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import local_pipeline
import lookup_stores
import make_samples
import test_load
from binaries import ROOT

HEADERS = {"Content-Type": "application/json", "X-Webhook-Token": make_samples.SECRETS["TRACKER_TOKENS"]}
FIRST = "wamid.HBgLMTk4NzY1NDMyMTAVAgAS"
SECOND = "wamid.HBgLMTk4NzY1NDMyMTBWBgAS"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}")

EVENT_SEND = {
    "wa_id": "919876543210",
    "event_id": "uuid-of-event",
    "event_registration_id": "uuid-of-registration",
    "template_wamid": FIRST,
    "template_name": "rsvp_invite_v2",
    "flow_type": "rsvp",
    "message_type": "rsvp",
    "guest_id": "uuid-of-guest",
    "guest_name": "John Doe",
}
STANDALONE_SEND = {
    "wa_id": "919876543210",
    "template_wamid": SECOND,
    "template_name": "bulk_announcement_v1",
    "guest_name": "John Doe",
}


class Application:
    """The customer's application."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] = HEADERS) -> tuple[int, Any]:
        content = b"" if body is None else json.dumps(body).encode()
        status, answer = local_pipeline.request(self.port, method, path, headers, content)
        return status, json.loads(answer)

    def post(self, path: str, body: Any) -> Any:
        status, answer = self.ask("POST", path, body)
        assert status == 200, answer
        return answer

    def get(self, path: str, **query: str) -> Any:
        status, answer = self.ask("GET", f"{path}?{urlencode(query)}")
        assert status == 200, answer
        return answer

    def status(self, wamid: str, status: str, timestamp: str, **more: Any) -> Any:
        body = {"wamid": wamid, "recipient_id": "919876543210", "status": status, "timestamp": timestamp, **more}
        return self.post("/api/webhooks/message-status/", body)

    def look_up(self, *wamids: str) -> Any:
        return self.post("/api/webhooks/message-status-lookup/", {"wamids": wamids})["statuses"]

    def logs(self, **query: str) -> Any:
        return self.get("/api/webhooks/message-logs/", **query)["logs"]


def without(entry: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in names}


ADDED = ("failed_at", "first_click_at", "replied_at")


def test_the_requests_of_the_application(store: tuple[str, dict[str, str]], tmp_path: Path) -> None:
    url, variables = store
    with local_pipeline.server(tmp_path / "raw", "--lookups", url, **variables) as port:
        application = Application(port)
        tracked = application.post("/api/webhooks/track-send/", EVENT_SEND)
        assert tracked == {"ok": True, "map_id": tracked["map_id"]} and UUID.fullmatch(tracked["map_id"])
        assert application.post("/api/webhooks/track-send/", STANDALONE_SEND) == {
            "ok": True,
            "standalone": True,
            "wamid": SECOND,
        }
        assert application.get("/api/webhooks/message-logs/latest/", registration_id="nobody") == {"log": None}

        # The answer is the present status, whatever came last.
        assert application.status(FIRST, "delivered", "2026-01-15T10:30:05Z") == {"ok": True, "status": "delivered"}
        assert application.status(FIRST, "sent", "2026-01-15T10:30:00.000Z") == {"ok": True, "status": "delivered"}
        for status, time in [("read", "10:28:00"), ("delivered", "10:25:03"), ("sent", "10:25:00")]:
            answer = application.status(SECOND, status, f"2026-01-15T{time}Z")
            assert answer == {"ok": True, "status": "read"}

        statuses = application.look_up(FIRST, SECOND, "wamid.unknown", FIRST)
        assert {wamid: without(entry, *ADDED) for wamid, entry in statuses.items()} == {
            FIRST: {
                "status": "delivered",
                "sent_at": "2026-01-15T10:30:00Z",
                "delivered_at": "2026-01-15T10:30:05Z",
                "read_at": None,
                "error_code": None,
                "error": None,
            },
            SECOND: {
                "status": "read",
                "sent_at": "2026-01-15T10:25:00Z",
                "delivered_at": "2026-01-15T10:25:03Z",
                "read_at": "2026-01-15T10:28:00Z",
                "error_code": None,
                "error": None,
            },
        }
        [log] = application.logs(event_id="uuid-of-event")
        assert without(log, "first_click_at", "replied_at") == {
            "id": tracked["map_id"],
            "wamid": FIRST,
            "recipient_id": "919876543210",
            "status": "delivered",
            "message_type": "rsvp",
            "template_name": "rsvp_invite_v2",
            "event_id": "uuid-of-event",
            "registration_id": "uuid-of-registration",
            "guest_id": "uuid-of-guest",
            "guest_name": "John Doe",
            "sent_at": "2026-01-15T10:30:00Z",
            "delivered_at": "2026-01-15T10:30:05Z",
            "read_at": None,
            "failed_at": None,
            "error_code": None,
            "error_message": None,
        }
        latest = application.get("/api/webhooks/message-logs/latest", registration_id="uuid-of-registration")
        assert latest == {"log": log}
        wamids = lambda **query: [log["wamid"] for log in application.logs(**query)]  # noqa: E731
        assert wamids(standalone="true") == [SECOND]
        assert wamids(recipient_id="919876543210") == wamids(recipient_id="+91 98765-43210") == [FIRST, SECOND]
        assert wamids(template_name="bulk_announcement_v1") == [SECOND]
        assert wamids(guest_id="uuid-of-guest", event_id="uuid-of-event", standalone="false") == [FIRST]
        assert wamids(event_id="uuid-of-event", standalone="true") == wamids(event_id="other") == []
        assert wamids(status="read") == [SECOND] and wamids(event_id="") == [FIRST, SECOND]

        error = {"code": 131026, "title": "Message undeliverable"}
        assert (
            application.status("wamid.failed", "failed", "2026-01-15T11:00:00Z", errors=[error])["status"] == "failed"
        )
        [failed] = application.logs(status="failed")
        assert (failed["error_code"], failed["error_message"]) == ("131026", "Message undeliverable")
        assert (failed["failed_at"], failed["wamid"]) == ("2026-01-15T11:00:00Z", "wamid.failed")
        application.post(  # a later delivery to another device: no failure any more
            "/api/webhooks/message-status",
            {"wamid": "wamid.failed", "recipient_id": "1", "status": "delivered", "timestamp": 1768478500},
        )
        assert application.look_up("wamid.failed")["wamid.failed"]["status"] == "delivered"


def test_bad_requests_name_the_field(store: tuple[str, dict[str, str]], tmp_path: Path) -> None:
    url, variables = store
    with local_pipeline.server(tmp_path / "raw", "--lookups", url, **variables) as port:
        application = Application(port)
        lookup, logs = "/api/webhooks/message-status-lookup/", "/api/webhooks/message-logs/"
        for method, path, body, named in [
            ("POST", lookup, {}, "wamids"),
            ("POST", lookup, {"wamids": "wamid.1"}, "wamids"),
            ("POST", lookup, {"wamids": ["wamid.1"] * 1001}, "wamids"),
            ("GET", f"{logs}?standalone=yes", None, "standalone"),
            ("GET", f"{logs}?recipient_id={quote('no one')}", None, "recipient_id"),
            ("GET", f"{logs}?cursor=x", None, "cursor"),
            ("GET", f"{logs}?status=open", None, "status"),
            ("GET", f"{logs}latest/", None, "registration_id"),
        ]:
            status, answer = application.ask(method, path, body)
            assert (status, answer["ok"]) == (400, False) and f"field {named} " in answer["error"], (path, answer)
        assert application.ask("POST", lookup, {"wamids": []}) == (200, {"statuses": {}})
        assert application.ask("GET", lookup)[0] == 405
        assert application.ask("GET", logs, headers={"X-Webhook-Token": "wrong"})[0] == 401
        assert application.ask("GET", logs, headers={})[0] == 401


def test_without_a_store_look_ups_say_so(tmp_path: Path) -> None:
    with local_pipeline.server(tmp_path / "raw") as port:
        application = Application(port)
        status, answer = application.ask("GET", "/api/webhooks/message-logs/")
        assert status == 404 and "LOOKUPS_URL" in answer["error"]
        assert application.status(FIRST, "sent", "2026-01-15T10:30:00Z") == {"ok": True, "status": "sent"}


def test_pages(store: tuple[str, dict[str, str]], tmp_path: Path) -> None:
    url, variables = store
    sent = [f"wamid.page{number:03}" for number in range(120)]
    with local_pipeline.server(tmp_path / "raw", "--lookups", url, **variables) as port:
        application = Application(port)
        for number, wamid in enumerate(sent):
            send = {"wa_id": "4915550100", "template_wamid": wamid, "template_name": "pages"}
            # Two at a time are sent at the same moment.
            application.post("/api/webhooks/track-send/", {**send, "sent_at": 1_791_000_000 - number // 2})
        found, cursor = [], {}
        while cursor is not None:
            page = application.get("/api/webhooks/message-logs/", template_name="pages", **cursor)
            found.append([log["wamid"] for log in page["logs"]])
            cursor = page["next_cursor"] and {"cursor": page["next_cursor"]}
    assert [len(page) for page in found] == [50, 50, 20]
    assert [wamid for page in found for wamid in page] == sent


def test_an_outage_of_the_store_changes_no_webhook(tmp_path: Path) -> None:
    """Nothing listens where the table should be: webhooks are answered, objects are moved, a note repairs the store."""
    variables = {**lookup_stores.environment("http://127.0.0.1:9"), "LOOKUP_BUDGET_MS": "150"}
    raw, lake, lookups = tmp_path / "raw", tmp_path / "lake", (tmp_path / "lookups").absolute().as_uri()
    with local_pipeline.server(raw, "--lookups", "dynamodb://lookups", **variables) as port:
        application = Application(port)
        assert application.post("/api/webhooks/track-send/", EVENT_SEND)["ok"]
        assert application.status(FIRST, "delivered", "2026-01-15T10:30:05Z") == {"ok": True, "status": "delivered"}
        status, answer = application.ask("GET", "/api/webhooks/message-logs/")
        assert status == 503 and "ask again" in answer["error"]
    # What the transform cannot apply it notes in the lake.
    moved = ("--lake", lake.absolute().as_uri(), "--lookups")
    report = local_pipeline.bluetick("run", "--raw", raw.absolute().as_uri(), *moved, "dynamodb://lookups", **variables)
    assert report["failed"] == [] and report["objects"] > 0 and report["lookups_deferred"] == 1
    [note] = (lake / "lookups" / "due").iterdir()
    assert FIRST not in note.read_text() and "919876543210" not in note.read_text()
    # A later batch, here one without objects, applies the rows from the lake.
    (tmp_path / "no-objects").mkdir()
    report = local_pipeline.bluetick("run", "--raw", (tmp_path / "no-objects").absolute().as_uri(), *moved, lookups)
    assert report["objects"] == 0 and not note.exists()
    before = command_line("status", FIRST, lookups=lookups)
    assert before["statuses"][FIRST]["status"] == "delivered"
    report = local_pipeline.bluetick("lookups", "rebuild", "--lake", lake.absolute().as_uri(), "--lookups", lookups)
    assert report["facts"] == 2
    assert command_line("status", FIRST, lookups=lookups) == before


def command_line(*arguments: str, lookups: str, **variables: str) -> Any:
    command = [str(local_pipeline.BLUETICK), "lookup", *arguments, "--lookups", lookups]
    environment = local_pipeline.environment(**variables)
    return json.loads(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


def test_all_providers_rebuilt_and_erased(store: tuple[str, dict[str, str]], tmp_path: Path) -> None:
    """Every sample webhook, live and by the transform: the store equals the one that is rebuilt from the lake alone."""
    url, variables = store
    raw, lake = tmp_path / "raw", tmp_path / "lake"
    with local_pipeline.server(raw, "--lookups", url, **variables) as port:
        for sample in local_pipeline.all_samples():
            assert local_pipeline.post_sample(port, sample) == 200
    lake_url = lake.absolute().as_uri()
    local_pipeline.bluetick("run", "--raw", raw.absolute().as_uri(), "--lake", lake_url, "--lookups", url, **variables)
    live = command_line("messages", lookups=url, **variables)
    assert len(live["logs"]) > 10 and live["next_cursor"] is None
    states = {log["status"] for log in live["logs"]}
    assert {"read", "delivered", "failed"} <= states
    assert any(log["first_click_at"] for log in live["logs"]) and any(log["replied_at"] for log in live["logs"])
    local_pipeline.bluetick("lookups", "rebuild", "--lake", lake_url, "--lookups", url, **variables)
    assert command_line("messages", lookups=url, **variables) == live

    person = make_samples.ANNA
    assert command_line("messages", "--recipient-id", person, lookups=url, **variables)["logs"]
    local_pipeline.bluetick("erase", "--wa-id", person, "--lake", lake_url, "--lookups", url, **variables)
    assert command_line("messages", "--recipient-id", person, lookups=url, **variables)["logs"] == []
    erased = command_line("messages", lookups=url, **variables)
    assert person not in json.dumps(erased) and erased["logs"]
    local_pipeline.bluetick("lookups", "rebuild", "--lake", lake_url, "--lookups", url, **variables)
    assert command_line("messages", lookups=url, **variables) == erased


def test_numbers_are_hashed_before_they_are_looked_up(tmp_path: Path) -> None:
    lookups, key = (
        (tmp_path / "lookups").absolute().as_uri(),
        {"PSEUDONYM_KEY": "a key for tests", "LOOKUP_BUDGET_MS": "20000"},
    )
    with local_pipeline.server(tmp_path / "raw", "--lookups", lookups, **key) as port:
        application = Application(port)
        application.post("/api/webhooks/track-send/", EVENT_SEND)
        [log] = application.logs(recipient_id="+91 98765 43210")
        assert re.fullmatch("[0-9a-f]{64}", log["recipient_id"]) and log["guest_name"] is None
        assert application.logs(recipient_id=log["recipient_id"]) == [log]
    asked = command_line("messages", "--recipient-id", "919876543210", lookups=lookups, **key)
    assert asked["logs"] == [log]
    files = b"".join(path.read_bytes() for path in (tmp_path / "lookups").iterdir())
    assert b"919876543210" not in files and b"John Doe" not in files


def typescript() -> str:
    """The code of the page for application developers, as one module."""
    page = (ROOT / "docs" / "lookups.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```ts\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    assert blocks
    return "\n".join(blocks)


DRIVER = """
const invited = await sendInvitation({
  id: 'registration-1', guest: { id: 'guest-1', name: 'Asha', phone: '919876543210' },
  event: { id: 'event-1', name: 'Launch' },
});
const announced = await sendAnnouncement('4915550100', 'Ben', 'news');
const status = (id: string, status: string, timestamp: string, errors?: object[]) =>
  ({ id, status, timestamp, recipient_id: '919876543210', errors });
await forwardStatuses({ entry: [{ changes: [{ value: { statuses: [
  status(invited, 'sent', '1768473000'), status(invited, 'read', '1768473480'),
  status(invited, 'delivered', '1768473005'),
  status(announced, 'failed', '1768473001', [{ code: 131026, title: 'Message undeliverable' }]),
] } }] }] });
console.log(JSON.stringify({
  statuses: await lookUp([invited, announced, 'wamid.unknown']),
  event: await messages({ event_id: 'event-1' }),
  standalone: (await messages({ standalone: 'true' })).map((log) => log.wamid),
  latest: await latestMessage('registration-1'),
  none: await latestMessage('registration-2'),
  failed: (await messages({ recipient_id: '4915550100' })).map(describe),
}));
"""


def test_the_typescript_of_the_page(store: tuple[str, dict[str, str]], tmp_path: Path) -> None:
    """The page's code, unchanged, in a real client. Node.js is a package of the test environment."""
    url, variables = store
    sender = (
        "let sent = 0;\n"
        "const sendWhatsAppTemplate = async (_: object) => ({ messages: [{ id: `wamid.ts${++sent}` }] });\n"
    )
    program = tmp_path / "application.ts"
    program.write_text(sender + typescript() + DRIVER, encoding="utf-8")
    with local_pipeline.server(tmp_path / "raw", "--lookups", url, **variables) as port:
        environment = {
            "PATH": os.environ["PATH"],
            "BLUETICK_URL": f"http://127.0.0.1:{port}",
            "BLUETICK_TOKEN": HEADERS["X-Webhook-Token"],
        }
        node = Path(sys.executable).with_name("node")
        done = subprocess.run([node, "--no-warnings", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    assert {wamid: entry["status"] for wamid, entry in answers["statuses"].items()} == {
        "wamid.ts1": "read",
        "wamid.ts2": "failed",
    }
    assert answers["statuses"]["wamid.ts1"]["delivered_at"] == "2026-01-15T10:30:05Z"
    assert [log["guest_name"] for log in answers["event"]] == ["Asha"]
    assert "wamid.ts2" in answers["standalone"] and "wamid.ts1" not in answers["standalone"]
    assert answers["latest"]["wamid"] == "wamid.ts1" and answers["none"] is None
    assert answers["failed"] == ["Ben: failed, 131026 Message undeliverable"]


async def exchange(port: int, message: bytes, opening: asyncio.Semaphore) -> tuple[int, bytes]:
    """Sends a request. `opening` bounds how many connections wait for their request to be sent, as in test_load.py."""
    async with opening:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(message)
    try:
        await writer.drain()
        answer = await reader.read()
        return int(answer.split(maxsplit=2)[1]), answer.partition(b"\r\n\r\n")[2]
    finally:
        writer.close()


def http_message(method: str, path: str, body: bytes) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in HEADERS.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


REQUESTS = 10_000
RESIDENT_KIB = 512 * 1024


async def mixed_load(port: int) -> list[tuple[int, bytes]]:
    """Half webhooks, half look-ups, all at once. A look-up that finds the store busy asks again."""
    opening = asyncio.Semaphore(500)
    messages = []
    for number in range(REQUESTS // 2):
        wamid = f"wamid.load{number}"
        body = {"wamid": wamid, "recipient_id": "1", "status": "delivered", "timestamp": 1_768_473_000 + number}
        messages.append(http_message("POST", "/api/webhooks/message-status/", json.dumps(body).encode()))
        asked = [wamid, f"wamid.load{number // 2}"]
        body = json.dumps({"wamids": asked}).encode()
        if number % 2:
            messages.append(http_message("POST", "/api/webhooks/message-status-lookup/", body))
        else:
            messages.append(http_message("GET", "/api/webhooks/message-logs/?recipient_id=1", b""))

    async def one(message: bytes) -> tuple[int, bytes]:
        answer = await exchange(port, message, opening)
        while answer[0] == 503 and b"ask again" in answer[1]:
            answer = await exchange(port, message, opening)
        return answer

    return await asyncio.gather(*map(one, messages))


def test_ten_thousand_look_ups_and_webhooks_at_once(tmp_path: Path) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    lookups = (tmp_path / "lookups").absolute().as_uri()
    with local_pipeline.server(tmp_path / "raw", "--lookups", lookups) as port:
        answers = asyncio.run(mixed_load(port))
        resident = test_load.high_water_mark("bluetick")
        assert {status for status, _ in answers} == {200}
        application = Application(port)
        wamids = [f"wamid.load{number}" for number in range(REQUESTS // 2)]
        known: dict[str, Any] = {}
        for start in range(0, len(wamids), 1_000):
            known |= application.look_up(*wamids[start : start + 1_000])
    missed = [wamid for wamid in wamids if wamid not in known]
    print(f"{len(answers)} requests: {len(missed)} messages wait for the transform; {resident / 1024:.0f} MiB resident")
    assert resident < RESIDENT_KIB
    # The budget of a webhook may end on a busy machine; the transform then brings what is missing.
    raw, lake = (tmp_path / name for name in ("raw", "lake"))
    moved = local_pipeline.bluetick(
        "run", "--raw", raw.absolute().as_uri(), "--lake", lake.absolute().as_uri(), "--lookups", lookups
    )
    assert moved["new"] == len(wamids)
    found = command_line("status", *wamids[-900:], lookups=lookups)["statuses"]
    assert len(found) == 900 and all(entry["status"] == "delivered" for entry in found.values())
    found = command_line("status", *missed[:900], "wamid.load0", lookups=lookups)["statuses"]
    assert len(found) == len({*missed[:900], "wamid.load0"})
