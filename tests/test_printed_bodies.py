"""The bodies that five integration documents print, posted as printed, and the figures that those documents ask for.

`printed_bodies/` holds the bodies. What the documents describe in words, such as two sends, is built below.
Each expected figure is worked out in the comment beside it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import local_pipeline
import make_samples
from bluetick_sql.duck import DuckEngine
from bluetick_sql.lake import LocalLake
from bluetick_sql.rows import plain_rows
from bluetick_sql.statements import Settings, bind, find_query

BODIES = Path(__file__).resolve().parent / "printed_bodies"
CLICK = "button_clicks/click"
PHONE = "27824537125"
ALERT_A, ALERT_B, ALERT = "wamid.ABC123...", "wamid.XYZ789...", "wamid.ABC123"
FIRST_SEND, SECOND_SEND = "wamid.HBgLMTk4NzY1NDMyMTAVAgAS...", "wamid.HBgLMTk4NzY1NDMyMTBWBgAS..."


def printed(name: str) -> bytes:
    return (BODIES / f"{name}.json").read_bytes()


def click(message: str, button: str, title: str, second: int) -> bytes:
    """The printed click, with the ids and the time of another one."""
    body = json.loads(printed(CLICK))
    found = body["entry"][0]["changes"][0]["value"]["messages"][0]
    found["id"] = f"wamid.click-on-{message}"
    found["timestamp"] = str(second)
    found["interactive"]["button_reply"] = {"id": button, "title": title}
    found["context"]["id"] = message
    return json.dumps(body).encode()


class Lake:
    """A lake of what was posted."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def ask(self, query: str, first: str = "", last: str = "", **values: str) -> list[dict[str, Any]]:
        statement = find_query(query)
        window = {"from": first, "to": last or first}
        with DuckEngine(LocalLake(self.path), Settings()) as engine:
            result = engine.run(statement, bind(statement, {**window, **values}))
        return [dict(zip(result.columns, row, strict=True)) for row in plain_rows(result.rows)]

    def one(self, query: str, first: str = "", last: str = "", **values: str) -> dict[str, Any]:
        [row] = self.ask(query, first, last, **values)
        return row


def lake_of(place: Path, *posts: tuple[str, bytes | dict[str, Any]]) -> tuple[Lake, list[dict[str, Any]]]:
    """Posts bodies to the server, moves them to a lake; gives it and what the tracker answered."""
    answers = []
    with local_pipeline.server(place / "raw") as port:
        for route, body in posts:
            sent = body if isinstance(body, bytes) else json.dumps(body).encode()
            headers = make_samples.signed_headers(route, sent)
            status, answer = local_pipeline.post(port, make_samples.ROUTES[route], headers, sent)
            assert status == 200, (route, answer)
            answers.append(json.loads(answer) if route in ("track-send", "message-status") else {})
    report = local_pipeline.run(place / "raw", place / "lake")
    assert report["rejected"] == 0, report
    return Lake(place / "lake"), answers


def test_a_button_click_names_the_message_that_was_clicked(tmp_path: Path) -> None:
    """The printed click: 1696166400 is 2023-10-01 13:20:00 UTC. No send of the clicked message was reported."""
    lake, _ = lake_of(tmp_path, ("woosh", printed(CLICK)))
    row = lake.one("clicks_by_button", "2023-10-01")
    assert (row["button_id"], row["button_text"]) == ("lift_emergency_001", "Entrapment")
    assert (row["total_clicks"], row["unique_users"], row["messages"]) == (1, 1, 1)
    assert row["first_click_at"] == "2023-10-01T13:20:00.000Z"
    row = lake.one("unattributed_clicks", "2023-10-01")
    assert (row["reason"], row["provider"], row["kind"]) == ("unknown_message", "woosh", "button_reply")


def test_each_click_belongs_to_its_own_lift_and_ticket(tmp_path: Path) -> None:
    """Alerts for two lifts a minute apart, with the fields that the document stores; the contact answers the second."""
    stored = {"contact_phone": PHONE, "status": "sent"}
    alert_a = {"ticket_id": "EMG-2024-001", "lift_id": "LIFT-A", "floor": 3, "message_id": ALERT_A}
    alert_b = {"ticket_id": "EMG-2024-002", "lift_id": "LIFT-B", "floor": 7, "message_id": ALERT_B}
    lake, answers = lake_of(
        tmp_path,
        ("track-send", {**stored, **alert_a, "sent_at": "2024-10-01 10:30:00"}),
        ("track-send", {**stored, **alert_b, "sent_at": "2024-10-01 10:31:00"}),
        # 1727778700 is 2024-10-01 10:31:40 UTC, 40 s after the second alert.
        ("woosh", click(ALERT_B, "liftb_entrap", "Entrapment", 1_727_778_700)),
    )
    assert [answer["ignored"] for answer in answers[:2]] == [["status"], ["status"]]
    columns = ("ticket_id", "lift", "floor", "button_text", "contact", "response_seconds", "status")
    tickets = [tuple(row[column] for column in columns) for row in lake.ask("tickets", "2024-10-01")]
    # Sent more than 72 h ago and not answered: expired.
    assert tickets[0] == ("EMG-2024-001", "LIFT-A", "3", None, PHONE, None, "expired")
    assert tickets[1] == ("EMG-2024-002", "LIFT-B", "7", "Entrapment", PHONE, 40.0, "responded")


def test_a_printed_status_is_shown_by_the_look_up(tmp_path: Path) -> None:
    """1696166122 is 2023-10-01 13:15:22 UTC; the body's event_ts is a year later and is the relay's own."""
    lake, _ = lake_of(tmp_path, ("woosh", printed("statuses/delivered")))
    message = json.loads(printed("statuses/delivered"))["wa_id"]
    row = lake.one("message_status", message_ids=message)
    assert (row["status"], row["delivered_at"], row["sent_at"]) == ("delivered", "2023-10-01T13:15:22.000Z", None)
    # No report counts it, because nothing says that the message was sent.
    row = lake.one("unattributed_receipts", "2023-10-01")
    assert (row["reason"], row["provider"], row["status"]) == ("unknown_message", "woosh", "delivered")


def test_an_alert_from_send_to_response(tmp_path: Path) -> None:
    """The document's example: delivered 25 s after the send, read 30 s after that, answered 70 s after the send.

    The printed statuses give the times: delivered at 1696166145 (2023-10-01 13:15:45 UTC), read at 1696166175.
    """
    send = {"message_id": ALERT, "ticket_id": "EMG-001", "lift_id": "LIFT-A", "contact_phone": PHONE}
    lake, _ = lake_of(
        tmp_path,
        ("track-send", {**send, "sent_at": 1_696_166_120}),
        ("woosh", printed("statuses/alert_delivered")),
        ("woosh", printed("statuses/alert_read")),
        # A second report of the read, five seconds later: the earliest counts.
        ("woosh", printed("statuses/alert_read_later")),
        ("woosh", click(ALERT, "lifta_entrap", "Entrapment", 1_696_166_190)),
    )
    row = lake.one("message_status", message_ids=ALERT)
    times = [row[f"{state}_at"] for state in ("sent", "delivered", "read", "failed")]
    assert row["status"] == "read"
    assert times == ["2023-10-01T13:15:20.000Z", "2023-10-01T13:15:45.000Z", "2023-10-01T13:16:15.000Z", None]
    funnel = lake.one("funnel_daily", "2023-10-01")
    assert [funnel[step] for step in ("sent", "delivered", "read", "clicked", "failed")] == [1, 1, 1, 1, 0]
    assert (funnel["sent_to_delivered_p50"], funnel["delivered_to_read_p50"]) == (25.0, 30.0)
    row = lake.one("tickets", "2023-10-01")
    assert (row["response_seconds"], row["button_text"], row["status"]) == (70.0, "Entrapment", "responded")
    row = lake.one("response_times", "2023-10-01")
    assert (row["ticket_id"], row["messages"], row["response_seconds"]) == ("EMG-001", 1, 70.0)


def test_a_failed_alert_says_what_to_do(tmp_path: Path) -> None:
    lake, _ = lake_of(tmp_path, ("woosh", printed("statuses/alert_failed")))
    row = lake.one("failures", "2023-10-01")
    assert (row["error_code"], row["error_title"], row["messages"]) == (131047, "Re-engagement message", 1)
    assert (row["error_class"], row["advice"]) == ("window_closed", "send a template")
    row = lake.one("message_status", message_ids=ALERT)
    assert (row["status"], row["error_code"], row["error"]) == ("failed", 131047, "Re-engagement message")


def test_interakts_message_is_delivered_and_clicked(tmp_path: Path) -> None:
    """All at 2025-12-17 10:30:00 UTC. The same message is also reported as failed: one device, not the message."""
    names = ["delivered", "failed", "clicked"]
    lake, _ = lake_of(tmp_path, *(("interakt", printed(f"interakt/{name}")) for name in names))
    funnel = lake.one("funnel_by_provider", "2025-12-17")
    steps = [funnel[step] for step in ("sent", "delivered", "read", "clicked", "failed")]
    assert (funnel["provider"], steps) == ("interakt", [1, 1, 1, 1, 0])
    row = lake.one("ctr_by_button", "2025-12-17")
    assert (row["button"], row["delivered"], row["clicked"], row["ctr"]) == ("Confirm Order", 1, 1, 1.0)
    row = lake.one("message_log", recipient_id="+91 98765 43210")
    assert (row["message_id"], row["status"]) == ("msg-12345", "read")


def test_interakts_failure_keeps_its_reason(tmp_path: Path) -> None:
    lake, _ = lake_of(tmp_path, ("interakt", printed("interakt/failed")))
    row = lake.one("failures", "2025-12-17")
    assert (row["error_code"], row["error_class"]) == (1013, "undeliverable")
    assert row["error_message"] == "Recipient is not a valid WhatsApp user"


def test_clicks_alone_are_counted_by_button(tmp_path: Path) -> None:
    """The document's query: clicks and distinct users by button. 1678901234 is 2023-03-15 17:27:14 UTC.

    The body is posted twice, as after a slow answer: one click.
    """
    body = ("meta", printed("click_stream/click"))
    lake, _ = lake_of(tmp_path, body, body)
    row = lake.one("clicks_by_button", "2023-03-15")
    columns = ("button_id", "button_text", "total_clicks", "unique_users")
    assert tuple(row[column] for column in columns) == ("offer_accept_001", "Accept Offer", 1, 1)
    assert lake.one("clicks_daily", "2023-03-15")["clicks"] == 1
    hours = [(row["hour"], row["clicks"]) for row in lake.ask("clicks_by_hour", "2023-03-15")]
    assert hours == [(17, 1)]


def forwarded(message: str, status: str, time: str, **more: Any) -> tuple[str, dict[str, Any]]:
    body = {"wamid": message, "recipient_id": "919876543210", "status": status, "timestamp": time, **more}
    return "message-status", body


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, list[dict[str, Any]]]:
    """The printed send, and the statuses of the printed answer, forwarded as printed; one more message that failed."""
    error = {"code": 131026, "title": "Message undeliverable"}
    return lake_of(
        tmp_path_factory.mktemp("tracked"),
        ("track-send", printed("delivery_tracking/send_for_event")),
        forwarded(FIRST_SEND, "sent", "2024-01-15T10:30:00.000Z"),
        forwarded(FIRST_SEND, "delivered", "2024-01-15T10:30:05.000Z"),
        forwarded(SECOND_SEND, "sent", "2024-01-15T10:25:00.000Z"),
        forwarded(SECOND_SEND, "delivered", "2024-01-15T10:25:03.000Z"),
        forwarded(SECOND_SEND, "read", "2024-01-15T10:28:00.000Z"),
        forwarded("wamid.failed", "failed", "2024-01-15T11:00:00.000Z", errors=[error]),
    )


def test_the_tracker_answers_as_documented(tracked: tuple[Lake, list[dict[str, Any]]], tmp_path: Path) -> None:
    _, answers = tracked
    assert answers[0]["ok"] is True and len(answers[0]["map_id"]) == 36
    assert answers[2] == {"ok": True, "status": "delivered"}
    _, [answer] = lake_of(tmp_path, ("track-send", printed("delivery_tracking/send_standalone")))
    assert answer == {"ok": True, "standalone": True, "wamid": FIRST_SEND}


def test_statuses_are_looked_up_as_printed(tracked: tuple[Lake, list[dict[str, Any]]]) -> None:
    """The printed answer: the first delivered after 5 s, the second after 3 s and read after 3 minutes."""
    lake, _ = tracked
    columns = ("status", "sent_at", "delivered_at", "read_at", "error_code", "error")
    rows = lake.ask("message_status", message_ids=f"{FIRST_SEND}, {SECOND_SEND}")
    found = {row["message_id"]: tuple(row[column] for column in columns) for row in rows}
    day = "2024-01-15T"
    times = (f"{day}10:25:00.000Z", f"{day}10:25:03.000Z", f"{day}10:28:00.000Z")
    assert found == {
        FIRST_SEND: ("delivered", f"{day}10:30:00.000Z", f"{day}10:30:05.000Z", None, None, None),
        SECOND_SEND: ("read", *times, None, None),
    }


def test_logs_are_filtered_as_documented(tracked: tuple[Lake, list[dict[str, Any]]], tmp_path: Path) -> None:
    lake, answers = tracked
    row = lake.one("message_log", event_id="uuid-of-event")
    expected = {
        "id": answers[0]["map_id"],
        "message_id": FIRST_SEND,
        "recipient_id": "919876543210",
        "status": "delivered",
        "message_type": "rsvp",
        "template_name": "rsvp_invite_v2",
        "event_id": "uuid-of-event",
        "registration_id": "uuid-of-registration",
        "guest_id": "uuid-of-guest",
        "guest_name": "John Doe",
        "failed_at": None,
        "error_code": None,
        "error_message": None,
    }
    assert {name: row[name] for name in expected} == expected
    assert lake.one("latest_message_of_registration", registration_id="uuid-of-registration") == row
    assert lake.ask("latest_message_of_registration", registration_id="nobody's") == []
    assert len(lake.ask("message_log", recipient_id="919876543210")) == 3
    row = lake.one("message_log", status="failed")
    assert (row["error_code"], row["error_message"]) == (131026, "Message undeliverable")
    standalone, _ = lake_of(tmp_path, ("track-send", printed("delivery_tracking/send_standalone")))
    row = standalone.one("message_log", standalone="true", template_name="bulk_announcement_v1")
    assert (row["guest_name"], row["message_type"], row["status"]) == ("John Doe", "template", "sent")
