"""Statements of several sources about one event: each case small enough to work out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bluetick_sql.duck import DuckEngine
from bluetick_sql.lake import LocalLake
from bluetick_sql.rows import plain_rows
from bluetick_sql.statements import Settings, bind, find_query
from lake_writer import at, write_lake

NOON = at("2026-11-10 12:00:00")
LATER = at("2026-11-10 12:00:30")
WINDOW = {"from": "2026-11-10", "to": "2026-11-10"}


def ask(tmp_path: Path, rows: dict[str, list[dict[str, Any]]], query: str, **more: str) -> list[dict[str, Any]]:
    """The answer of a query over a lake of these rows, as objects."""
    statement = find_query(query)
    with DuckEngine(LocalLake(write_lake(tmp_path / query, rows)), Settings()) as engine:
        result = engine.run(statement, bind(statement, {**WINDOW, **more}))
    return [dict(zip(result.columns, row, strict=True)) for row in plain_rows(result.rows)]


def status(message: str, name: str, **more: Any) -> dict[str, Any]:
    return {"message_id": message, "status": name, "event_ts": NOON, "wa_id": "p", **more}


def test_a_forwarded_status_does_not_hide_the_provider(tmp_path: Path) -> None:
    rows = [
        status("m", "failed", provider="tracker"),
        status(
            "m", "failed", error_code=131026, error_title="undeliverable", pricing_category="marketing", billable=True
        ),
    ]
    assert [row["error_code"] for row in ask(tmp_path, {"statuses": rows}, "failures")] == [131026]
    assert [row["provider"] for row in ask(tmp_path, {"statuses": rows}, "funnel_by_provider")] == ["meta"]


def test_a_reason_in_words_is_shown(tmp_path: Path) -> None:
    rows = [status("m", "failed", provider="interakt", error_message="no such user")]
    [failure] = ask(tmp_path, {"statuses": rows}, "failures")
    assert (failure["error_class"], failure["error_message"]) == ("unknown", "no such user")
    [found] = ask(tmp_path, {"statuses": rows}, "message_status", message_ids="m")
    assert (found["status"], found["error"], found["error_message"]) == ("failed", "no such user", "no such user")


def test_a_correction_wins_by_its_own_time(tmp_path: Path) -> None:
    send = {"message_id": "m", "event_ts": NOON, "provider": "tracker", "wa_id": "p"}
    bare = {**send}
    full = {**send, "template_name": "invite", "ticket_id": "B", "buttons": ["yes"]}
    first = {**send, "ticket_id": "Z", "updated_at": at("2026-11-11 10:00:00")}
    second = {**send, "ticket_id": "C", "updated_at": at("2026-11-11 11:00:00")}
    for number, rows in enumerate([[bare, full], [full, bare]]):
        [row] = ask(tmp_path / str(number), {"sends": rows}, "tickets")
        assert (row["ticket_id"], row["template_name"]) == ("B", "invite")
    for number, rows in enumerate([[full, first, second, bare], [second, bare, first, full]], 2):
        [row] = ask(tmp_path / str(number), {"sends": rows}, "tickets")
        assert (row["ticket_id"], row["template_name"]) == ("C", "invite")


def test_interakt_reports_one_tap_twice(tmp_path: Path) -> None:
    tap = {"message_id": "m", "provider": "interakt", "kind": "quick_reply", "wa_id": "p", "button_text": "Confirm"}
    told = {**tap, "click_id": "a", "source": "message_api_clicked", "event_ts": NOON}
    again = {**tap, "click_id": "b", "source": "message_received", "event_ts": LATER, "button_text": "confirm"}
    rows = {"statuses": [status("m", "sent", provider="interakt")], "clicks": [told, again]}
    assert [row["clicks"] for row in ask(tmp_path, rows, "ctr_total")] == [1]
    assert [(row["clicks"], row["same_button"]) for row in ask(tmp_path, rows, "reclicks")] == [(1, 0)]
    # The control: a tap on another button is another tap.
    rows["clicks"][1] = {**again, "button_text": "Cancel"}
    assert [row["clicks"] for row in ask(tmp_path / "other", rows, "ctr_total")] == [2]


def test_meta_charges_for_delivered_messages(tmp_path: Path) -> None:
    price = {"pricing_category": "marketing", "pricing_type": "regular", "billable": True}
    rows = [status(name, "sent", **price) for name in "abcd"]
    rows += [status("a", "delivered"), status("b", "failed"), status("c", "failed")]
    [cost] = ask(tmp_path, {"statuses": rows}, "cost_by_category")
    assert (cost["messages"], cost["delivered"], cost["billable_messages"]) == (4, 1, 1)


def test_rows_of_lists_and_flows_are_buttons(tmp_path: Path) -> None:
    lists = {"list": ["slot_9", "slot_10"], "flow": ["open_form"], "reply": ["yes", "no"]}
    rows = {
        "sends": [
            {"message_id": name, "event_ts": NOON, "wa_id": name, "buttons": buttons} for name, buttons in lists.items()
        ],
        "clicks": [
            {"click_id": "1", "message_id": "list", "event_ts": LATER, "kind": "list_reply", "button_id": "slot_9"},
            {
                "click_id": "2",
                "message_id": "flow",
                "event_ts": LATER,
                "kind": "flow_reply",
                "flow_name": "flow",
                "button_text": "Sent",
            },
            {"click_id": "3", "message_id": "reply", "event_ts": LATER, "kind": "button_reply", "button_id": "yes"},
        ],
    }
    assert [(row["position"], row["delivered"], row["clicked"]) for row in ask(tmp_path, rows, "ctr_by_position")] == [
        (1, 3, 3),
        (2, 2, 0),
    ]


def test_a_deleted_message_is_deleted(tmp_path: Path) -> None:
    rows = [status("m", "sent"), status("m", "delivered"), status("m", "deleted")]
    [found] = ask(tmp_path, {"statuses": rows}, "message_status", message_ids="m")
    assert found["status"] == "deleted"
    [day] = ask(tmp_path, {"statuses": rows}, "funnel_daily")
    assert (day["delivered"], day["deleted"]) == (1, 1)


def test_a_group_is_no_person(tmp_path: Path) -> None:
    rows = {
        "statuses": [
            status("m", "sent", group_id="g"),
            status("m", "read", group_id="g", participant="p", event_ts=LATER),
        ],
        "clicks": [
            {
                "click_id": "c",
                "message_id": "m",
                "event_ts": LATER,
                "kind": "button_reply",
                "wa_id": "q",
                "button_id": "yes",
            }
        ],
    }
    [total] = ask(tmp_path, rows, "ctr_total")
    assert (total["clicked"], total["clickers"], total["recipients"]) == (1, 0, 0)
    assert [row["unique_users"] for row in ask(tmp_path, rows, "clicks_by_button")] == [1]


def test_a_ticket_tells_lift_floor_and_answer(tmp_path: Path) -> None:
    send = {"event_ts": NOON, "provider": "tracker", "wa_id": "p"}
    lift_a, lift_b = {"floor": "3", "lift_id": "LIFT-A"}, {"floor": "7", "lift_id": "LIFT-B"}
    rows = {
        "sends": [
            {**send, "message_id": "a", "ticket_id": "EMG-1", "attributes": lift_a},
            {**send, "message_id": "b", "ticket_id": "EMG-2", "attributes": lift_b},
        ],
        "clicks": [
            {
                "click_id": "c",
                "message_id": "b",
                "event_ts": LATER,
                "kind": "button_reply",
                "wa_id": "p",
                "button_id": "liftb_entrap",
                "button_text": "Entrapment",
            }
        ],
    }
    columns = ("ticket_id", "lift", "floor", "contact", "button_text", "response_seconds", "status")
    tickets = [tuple(row[column] for column in columns) for row in ask(tmp_path, rows, "tickets")]
    assert tickets[1] == ("EMG-2", "LIFT-B", "7", "p", "Entrapment", 30.0, "responded")
    assert tickets[0][:5] == ("EMG-1", "LIFT-A", "3", "p", None)


def test_a_template_that_states_no_buttons_is_not_clickable(tmp_path: Path) -> None:
    statuses = [
        # Nine receipts and texts without buttons; the empty list comes with one of two statuses.
        *(status(f"receipt{number}", "sent", provider="interakt", buttons=[]) for number in range(9)),
        *(status(f"receipt{number}", "delivered", provider="interakt", event_ts=LATER) for number in range(9)),
        status("alert", "delivered", provider="interakt", buttons=["Yes", "No"]),
        status("alert", "sent", provider="interakt", buttons=["Yes", "No"]),
        status("unknown", "sent"),
    ]
    click = {"click_id": "c", "message_id": "alert", "event_ts": LATER, "kind": "quick_reply", "wa_id": "p"}
    rows = {"statuses": statuses, "clicks": [{**click, "button_id": "payload-17", "button_text": "Yes"}]}
    [total] = ask(tmp_path, rows, "ctr_total")
    assert (total["messages"], total["delivered"], total["clicked"], total["ctr"]) == (2, 1, 1, 1.0)
    assert total["unknown_buttons"] == 1
    # The click's payload is not in the list, its label is: one row, not two.
    buttons = [(row["button"], row["delivered"], row["clicked"]) for row in ask(tmp_path, rows, "ctr_by_button")]
    assert buttons == [("Yes", 1, 1), ("No", 1, 0)]
    positions = [(row["position"], row["delivered"], row["clicked"]) for row in ask(tmp_path, rows, "ctr_by_position")]
    assert positions == [(1, 1, 1), (2, 1, 0)]


def test_the_applications_list_of_buttons_outweighs_the_templates(tmp_path: Path) -> None:
    send = {"message_id": "m", "event_ts": NOON, "provider": "tracker", "wa_id": "p", "buttons": ["yes-1"]}
    rows = {"sends": [send], "statuses": [status("m", "delivered", provider="interakt", buttons=[])]}
    [total] = ask(tmp_path, rows, "ctr_total")
    assert (total["messages"], total["unknown_buttons"]) == (1, 0)


def test_a_call_that_names_no_event_takes_nothing_back(tmp_path: Path) -> None:
    send = {"message_id": "m", "event_ts": NOON, "provider": "tracker", "wa_id": "p"}
    bare = {**send, "standalone": True}
    full = {**send, "standalone": False, "event_id": "e", "message_type": "travel"}
    correction = {**send, "template_name": "b", "updated_at": LATER}
    for number, rows in enumerate([[bare, full, correction], [correction, full, bare]]):
        [log] = ask(tmp_path / str(number), {"sends": rows}, "message_log", standalone="false")
        assert (log["message_type"], log["event_id"], log["template_name"]) == ("travel", "e", "b")
    [log] = ask(tmp_path, {"sends": [bare]}, "message_log", standalone="true")
    assert log["message_type"] == "template"
