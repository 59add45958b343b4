"""A lake small enough to work every figure out by hand, with each rule of docs/metrics.md at its edge, and the figures.

Local time is that of Kolkata, five and a half hours before UTC: its day begins at 18:30 UTC. The window is 10 and 11
November.
"""

from __future__ import annotations

from typing import Any

from lake_writer import at

TIMEZONE = "Asia/Kolkata"
WINDOW = {"from": "2026-11-10", "to": "2026-11-11"}


def _status(message: str, status: str, when: str, person: str, **more: Any) -> dict[str, Any]:
    return {"message_id": message, "status": status, "event_ts": at(when), "wa_id": person, **more}


def _send(message: str, when: str, person: str, **more: Any) -> dict[str, Any]:
    return {"message_id": message, "event_ts": at(when), "provider": "tracker", "wa_id": person, **more}


def _click(
    click: str, message: str | None, when: str, person: str | None, button: str | None, **more: Any
) -> dict[str, Any]:
    text = button.title() if button else None
    return {
        "click_id": click,
        "message_id": message,
        "event_ts": at(when),
        "wa_id": person,
        "kind": "button_reply",
        "button_id": button,
        "button_text": text,
        **more,
    }


_MARKETING = {"pricing_category": "marketing", "pricing_type": "regular", "billable": True}
_UTILITY = {"pricing_category": "utility", "pricing_type": "regular", "billable": False}

ROWS: dict[str, list[dict[str, Any]]] = {
    "rejections": [
        {"dt": "2026-11-10", "reason": "wrong_type", "source": "raw/2026/11/10/09/a", "line_count": 2},
        {"dt": "2026-11-10", "reason": "wrong_type", "source": "raw/2026/11/10/09/a", "line_count": 3},
        {"dt": "2026-11-10", "reason": "not_json", "source": "raw/2026/11/10/09/a", "line_count": 1},
        {"dt": "2026-11-11", "reason": "wrong_type", "source": "raw/2026/11/11/23/b", "line_count": 4},
        {"dt": "2026-11-11", "reason": "wrong_type", "source": "raw/2026/11/11/23/c", "line_count": 5},
        {"dt": "2026-11-09", "reason": "wrong_type", "source": "raw/2026/11/09/23/b", "line_count": 8},
        {"dt": "2026-11-12", "reason": "wrong_type", "source": "raw/2026/11/12/00/b", "line_count": 8},
    ],
    "sends": [
        _send(
            "A",
            "2026-11-09 20:00:01",
            "p1",
            template_name="invite",
            ticket_id="T1",
            buttons=["yes", "no"],
            event_id="E1",
            event_registration_id="R1",
            guest_id="G1",
            guest_name="Ada",
            message_type="rsvp",
            standalone=False,
            template_language="en_US",
        ),
        _send(
            "C",
            "2026-11-10 11:00:01",
            "p1",
            template_name="invite",
            ticket_id="T1",
            buttons=["yes", "no"],
            standalone=True,
            template_language="en_US",
        ),
        _send("D", "2026-11-10 12:00:01", "p3", template_name="invite", template_language="de"),
        _send("E", "2026-11-10 13:00:01", "p4", template_name="promo"),
        _send("F", "2026-11-10 13:30:01", "p5", template_name="promo"),
        _send("G", "2026-11-10 14:00:01", "p6", template_name="promo"),
        _send("J", "2026-11-11 06:00:01", "p9", template_name="promo", buttons=[]),
    ],
    "statuses": [
        # A was sent on the 9th in UTC, on the 10th in Kolkata. Two devices report its delivery, and both carry the
        # price.
        _status("A", "sent", "2026-11-09 20:00:00", "p1", **_MARKETING),
        _status("A", "delivered", "2026-11-09 20:00:05", "p1", **_MARKETING),
        _status("A", "delivered", "2026-11-09 20:05:00", "p1", **_MARKETING),
        _status("A", "read", "2026-11-09 20:01:00", "p1"),
        # B was read; its delivered never came.
        _status("B", "sent", "2026-11-10 10:00:00", "p2", template_name="invite", **_UTILITY),
        _status("B", "read", "2026-11-10 10:30:00", "p2", template_name="invite"),
        # C was clicked; receipts are off.
        _status("C", "sent", "2026-11-10 11:00:00", "p1"),
        # D is clicked a millisecond after the 72 hours; and read after the 168.
        _status("D", "sent", "2026-11-10 12:00:00", "p3", **_MARKETING),
        _status("D", "delivered", "2026-11-10 12:00:10", "p3"),
        _status("D", "read", "2026-11-17 12:00:00.001", "p3"),
        _status("E", "failed", "2026-11-10 13:00:00", "p4", error_code=131049, error_title="healthy ecosystem"),
        _status("F", "failed", "2026-11-10 13:30:00", "p5", error_code=131026, error_title="undeliverable"),
        # G failed on one device and arrived on another.
        _status("G", "sent", "2026-11-10 14:00:00", "p6"),
        _status("G", "failed", "2026-11-10 14:00:30", "p6", error_code=131000, error_title="went wrong"),
        _status("G", "delivered", "2026-11-10 14:01:00", "p6"),
        # H was sent on the 11th in UTC, on the 12th in Kolkata.
        _status("H", "sent", "2026-11-11 19:00:00", "p7"),
        _status("H", "delivered", "2026-11-11 19:00:03", "p7"),
        _status("I", "sent", "2026-11-11 05:00:00", "p8", provider="wasender"),
        _status("I", "delivered", "2026-11-11 05:00:00", "p8", provider="wasender"),
        # N is known by its delivery alone: a receipt makes no message.
        _status("N", "delivered", "2026-11-11 05:30:00", "p8", provider="wasender"),
        # J has no buttons, and says so.
        _status("J", "sent", "2026-11-11 06:00:00", "p9"),
        _status("J", "delivered", "2026-11-11 06:00:20", "p9"),
        # L was sent days before the window, and read inside it. A payment is no delivery status.
        _status("L", "sent", "2026-11-05 10:00:00", "p10"),
        _status("L", "read", "2026-11-10 09:00:00", "p10"),
        _status("L", "payment_captured", "2026-11-10 09:30:00", "p10"),
        _status("M", "payment_captured", "2026-11-10 09:30:00", "p10"),
    ],
    "clicks": [
        _click("A1", "A", "2026-11-09 20:02:00", "p1", "yes"),
        _click("A2", "A", "2026-11-09 20:03:00", "p1", "yes"),
        _click("C1", "C", "2026-11-10 11:05:00", "p1", "no"),
        _click("D1", "D", "2026-11-13 12:00:00.001", "p3", "yes"),
        _click("H1", "H", "2026-11-11 19:05:00", "p7", "yes"),
        _click("K1", None, "2026-11-10 08:00:00", "p1", "yes"),
        _click("L1", "L", "2026-11-10 07:00:00", "p10", "yes"),
        _click("X1", "gone", "2026-11-11 08:00:00", "p2", "yes"),
        {
            **_click("V1", None, "2026-11-10 09:00:00", None, None),
            "kind": "landing_page_view",
            "url": "https://example.com/",
            "tracking_token": "t1",
        },
    ],
    "messages": [
        {
            "message_id": "A.reply",
            "event_ts": at("2026-11-09 20:10:00"),
            "wa_id": "p1",
            "type": "text",
            "context_message_id": "A",
        },
        {
            "message_id": "B.smile",
            "event_ts": at("2026-11-10 10:40:00"),
            "wa_id": "p2",
            "type": "reaction",
            "context_message_id": "B",
        },
        {
            "message_id": "lost",
            "event_ts": at("2026-11-10 10:50:00"),
            "wa_id": "p2",
            "type": "unsupported",
            "unsupported_type": "button",
        },
    ],
    "account_events": [
        {
            "event_id": "s1",
            "event_ts": at("2026-11-10 19:00:00"),
            "type": "user_preferences",
            "wa_id": "p5",
            "category": "marketing_messages",
            "preference": "stop",
        },
        {
            "event_id": "s2",
            "event_ts": at("2026-11-11 07:00:00"),
            "type": "user_preferences",
            "wa_id": "p5",
            "category": "marketing_messages",
            "preference": "resume",
        },
        {"event_id": "s3", "event_ts": at("2026-11-11 07:00:00"), "type": "account_update"},
    ],
}

_LOG_A = [
    "8de4d7aa-f115-8315-8540-7d2841733635",
    "A",
    "p1",
    "read",
    "rsvp",
    "invite",
    "E1",
    "R1",
    "G1",
    "Ada",
    "2026-11-09T20:00:00.000Z",
    "2026-11-09T20:00:05.000Z",
    "2026-11-09T20:01:00.000Z",
    None,
    None,
    None,
    None,
]

# Name of the query and what tells its case apart; the parameters beside the window; the rows.
EXPECTED: dict[str, tuple[dict[str, str], list[list[Any]]]] = {
    "ctr_total": ({}, [[8, 6, 3, 2, 3, 5, 1, 2 / 6, 2 / 3, 1 / 5, 1.5, 3 / 6, 6]]),
    "ctr_by_template": (
        {},
        [
            ["invite", 4, 4, 3, 2, 3, 3, 1, 0.5, 2 / 3, 1 / 3, 1.5, 3 / 4, 2],
            ["promo", 3, 1, 0, 0, 0, 1, 0, 0.0, None, 0.0, None, 0.0, 3],
            [None, 1, 1, 0, 0, 0, 1, 0, 0.0, None, 0.0, None, 0.0, 1],
        ],
    ),
    "ctr_by_campaign": ({}, [[None, None, 8, 6, 3, 2, 3, 5, 1, 2 / 6, 2 / 3, 1 / 5, 1.5, 3 / 6, 6]]),
    "ctr_by_provider": (
        {},
        [
            ["meta", 7, 5, 3, 2, 3, 4, 1, 2 / 5, 2 / 3, 1 / 4, 1.5, 3 / 5, 5],
            ["wasender", 1, 1, 0, 0, 0, 1, 0, 0.0, None, 0.0, None, 0.0, 1],
        ],
    ),
    "ctr_daily": (
        {},
        [
            ["2026-11-10", 7, 5, 3, 2, 3, 4, 1, 2 / 5, 2 / 3, 1 / 4, 1.5, 3 / 5, 5],
            ["2026-11-11", 1, 1, 0, 0, 0, 1, 0, 0.0, None, 0.0, None, 0.0, 1],
        ],
    ),
    "ctr_by_button": (
        {},
        [
            ["invite", "no", "No", 4, 3, 1, 1, 1, 1 / 4, 1 / 3],
            ["invite", "yes", "Yes", 4, 3, 1, 2, 1, 1 / 4, 1 / 3],
        ],
    ),
    "ctr_by_position": ({}, [[1, 2, 1, 2, 0.5], [2, 2, 1, 1, 0.5]]),
    "funnel_daily": (
        {},
        [
            [
                "2026-11-10",
                7,
                5,
                3,
                2,
                1,
                2,
                0,
                5 / 7,
                3 / 5,
                2 / 5,
                1 / 5,
                10.0,
                60.0,
                55.0,
                55.0,
                60.0,
                60.0,
                480.0,
                480.0,
            ],
            ["2026-11-11", 2, 2, 0, 0, 0, 0, 0, 1.0, 0.0, 0.0, 0.0, 0.0, 20.0, None, None, None, None, None, None],
        ],
    ),
    "funnel_by_provider": (
        {},
        [
            ["meta", 8, 6, 3, 2, 1, 2, 0, 6 / 8, 3 / 6, 2 / 6, 1 / 6, 10.0, 60.0, 55.0, 55.0, 60.0, 60.0, 480.0, 480.0],
            ["wasender", 1, 1, 0, 0, 0, 0, 0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, None, None, None, None, None, None],
        ],
    ),
    "funnel_by_template": (
        {},
        [
            ["invite", 4, 4, 3, 2, 1, 0, 0, 1.0, 3 / 4, 2 / 4, 1 / 4, 5.0, 10.0, 55.0, 55.0, 60.0, 60.0, 480.0, 480.0],
            ["promo", 4, 2, 0, 0, 0, 2, 0, 2 / 4, 0.0, 0.0, 0.0, 20.0, 60.0, None, None, None, None, None, None],
            [None, 1, 1, 0, 0, 0, 0, 0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, None, None, None, None, None, None],
        ],
    ),
    # A and C are in English, D in German; B has no send.
    "ctr_by_language": (
        {},
        [
            ["promo", None, 3, 1, 0, 0, 0, 1, 0, 0.0, None, 0.0, None, 0.0, 3],
            ["invite", "en_US", 2, 2, 2, 2, 3, 1, 1, 1.0, 1.0, 1.0, 1.5, 1.5, 0],
            ["invite", "de", 1, 1, 0, 0, 0, 1, 0, 0.0, None, 0.0, None, 0.0, 1],
            ["invite", None, 1, 1, 1, 0, 0, 1, 0, 0.0, 0.0, 0.0, None, 0.0, 1],
            [None, None, 1, 1, 0, 0, 0, 1, 0, 0.0, None, 0.0, None, 0.0, 1],
        ],
    ),
    "funnel_by_language": (
        {},
        [
            ["promo", None, 4, 2, 0, 0, 0, 2, 0, 2 / 4, 0.0, 0.0, 0.0, 20.0, 60.0, None, None, None, None, None, None],
            [
                "invite",
                "en_US",
                2,
                2,
                2,
                2,
                1,
                0,
                0,
                1.0,
                1.0,
                1.0,
                0.5,
                5.0,
                5.0,
                55.0,
                55.0,
                60.0,
                60.0,
                480.0,
                480.0,
            ],
            ["invite", "de", 1, 1, 0, 0, 0, 0, 0, 1.0, 0.0, 0.0, 0.0, 10.0, 10.0, None, None, None, None, None, None],
            ["invite", None, 1, 1, 1, 0, 0, 0, 0, 1.0, 1.0, 0.0, 0.0, None, None, None, None, None, None, None, None],
            [None, None, 1, 1, 0, 0, 0, 0, 0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, None, None, None, None, None, None],
        ],
    ),
    "funnel_by_event": (
        {},
        [
            [None, 8, 6, 2, 1, 0, 2, 0, 6 / 8, 2 / 6, 1 / 6, 0.0, 10.0, 60.0, None, None, None, None, None, None],
            ["E1", 1, 1, 1, 1, 1, 0, 0, 1.0, 1.0, 1.0, 1.0, 5.0, 5.0, 55.0, 55.0, 60.0, 60.0, 480.0, 480.0],
        ],
    ),
    "failures": (
        {},
        [
            ["limited_by_meta", 131049, "healthy ecosystem", None, "do not resend; the number is good", 1, 0.5],
            ["undeliverable", 131026, "undeliverable", None, "check the number or use another channel", 1, 0.5],
        ],
    ),
    "failures_by_class": (
        {},
        [
            ["limited_by_meta", 1, 0.5, 1 / 9, "do not resend; the number is good"],
            ["undeliverable", 1, 0.5, 1 / 9, "check the number or use another channel"],
        ],
    ),
    "cost_by_category": ({}, [["marketing", "regular", 2, 2, 2, 1.0], ["utility", "regular", 1, 1, 0, 0.0]]),
    "response_times": ({}, [["T1", 2, 2, 2, "2026-11-09T20:00:00.000Z", "2026-11-09T20:02:00.000Z", "yes", 120.0, 0]]),
    "reclicks": ({}, [[1, 1, 1, 0], [2, 1, 1, 1]]),
    "click_sequence": ({}, [[1, None, "no", 1], [1, None, "yes", 1], [2, "yes", "yes", 1]]),
    "unattributed_clicks": (
        {},
        [["no_message_id", "meta", "button_reply", 1, 1], ["unknown_message", "meta", "button_reply", 2, 2]],
    ),
    "interaction_kinds": ({}, [["button_reply", 6, 5, 3], ["landing_page_view", 1, 0, 0]]),
    "link_clicks": ({}, [["https://example.com/", None, 0, 1, 0, 1]]),
    "clicks_by_hour": ({}, [[2, 1, 2, 1], [2, 12, 1, 1], [2, 13, 1, 1], [2, 16, 1, 1], [3, 13, 1, 1]]),
    "ctr_by_hour": (
        {},
        [
            [2, 1, 1, 1, 1, 1.0],
            [2, 15, 1, 1, 0, 0.0],
            [2, 16, 1, 1, 1, 1.0],
            [2, 17, 1, 1, 0, 0.0],
            [2, 18, 1, 0, 0, None],
            [2, 19, 2, 1, 0, 0.0],
            [3, 10, 1, 1, 0, 0.0],
        ],
    ),
    "opt_outs": ({}, [["2026-11-11", "marketing_messages", 1, 1, 1]]),
    "lost_clicks": ({}, [["button", "meta", 1, 1]]),
    "data_quality": (
        {},
        [["account_events", 3, 0], ["clicks", 7, 0], ["messages", 3, 0], ["sends", 7, 0], ["statuses", 22, 0]],
    ),
    "rejected_lines": (
        {},
        [["2026-11-10", "wrong_type", 5, 1], ["2026-11-10", "not_json", 1, 1], ["2026-11-11", "wrong_type", 9, 2]],
    ),
    "unattributed_receipts": (
        {},
        [["unknown_message", "wasender", "delivered", 1, 1]],
    ),
    "ctr_by_number": ({}, [[None, None, 8, 6, 3, 2, 3, 5, 1, 2 / 6, 2 / 3, 1 / 5, 1.5, 3 / 6, 6]]),
    "funnel_by_number": (
        {},
        [
            [
                None,
                None,
                9,
                7,
                3,
                2,
                1,
                2,
                0,
                7 / 9,
                3 / 7,
                2 / 7,
                1 / 7,
                10.0,
                60.0,
                55.0,
                55.0,
                60.0,
                60.0,
                480.0,
                480.0,
            ],
        ],
    ),
    "message_status": (
        {"message_ids": " A, G,E,H,D,N,L,none "},
        [
            [
                "A",
                "read",
                "2026-11-09T20:00:00.000Z",
                "2026-11-09T20:00:05.000Z",
                "2026-11-09T20:01:00.000Z",
                None,
                None,
                None,
                None,
                None,
            ],
            # D was read after the 168 hours and clicked after the 72: reports leave that out, a look-up does not.
            [
                "D",
                "read",
                "2026-11-10T12:00:00.000Z",
                "2026-11-10T12:00:10.000Z",
                "2026-11-17T12:00:00.001Z",
                None,
                None,
                None,
                None,
                None,
            ],
            [
                "E",
                "failed",
                "2026-11-10T13:00:00.000Z",
                None,
                None,
                "2026-11-10T13:00:00.000Z",
                131049,
                "healthy ecosystem",
                "healthy ecosystem",
                None,
            ],
            [
                "G",
                "delivered",
                "2026-11-10T14:00:00.000Z",
                "2026-11-10T14:01:00.000Z",
                None,
                "2026-11-10T14:00:30.000Z",
                131000,
                "went wrong",
                "went wrong",
                None,
            ],
        ],
    ),
    "message_status@any day": (
        {"from": "", "to": "", "message_ids": "H,N"},
        [
            ["H", "read", "2026-11-11T19:00:00.000Z", "2026-11-11T19:00:03.000Z", None, None, None, None, None, None],
            ["N", "delivered", None, "2026-11-11T05:30:00.000Z", None, None, None, None, None, None],
        ],
    ),
    "message_log@event": ({"event_id": "E1"}, [_LOG_A]),
    "message_log@all filters": (
        {
            "from": "",
            "to": "",
            "event_id": "E1",
            "registration_id": "R1",
            "guest_id": "G1",
            "recipient_id": "p1",
            "template_name": "invite",
            "standalone": "false",
            "status": "read",
        },
        [_LOG_A],
    ),
    "message_log@nobody": ({"event_id": "E1", "standalone": "true"}, []),
    "latest_message_of_registration": ({"registration_id": "R1"}, [_LOG_A]),
    "clicks_by_button": (
        {},
        [
            ["yes", "Yes", 5, 3, 3, "2026-11-09T20:02:00.000Z", "2026-11-11T08:00:00.000Z"],
            ["no", "No", 1, 1, 1, "2026-11-10T11:05:00.000Z", "2026-11-10T11:05:00.000Z"],
        ],
    ),
    "clicks_daily": ({}, [["2026-11-10", 5, 2, 3], ["2026-11-11", 1, 1, 1]]),
    "ctr_by_label": ({}, [["invite", "No", 4, 1, 1, 1, 1 / 4], ["invite", "Yes", 4, 1, 2, 1, 1 / 4]]),
    # Six persons got one message, p1 got A and C. E and F failed.
    "fatigue": ({}, [[1, 7, 5, 1, 0, 0.0], [2, 1, 2, 2, 2, 1.0]]),
    # B is no template of the application's. A: 2 clicks, C: 1 click without receipts; D: clicked on the third day.
    "meta_template_analytics": (
        {},
        [
            ["2026-11-10", "invite", 3, 2, 1, 2, 1.0],
            ["2026-11-10", "promo", 1, 1, 0, 0, 0.0],
            ["2026-11-11", "promo", 1, 1, 0, 0, 0.0],
        ],
    ),
    "numbers_to_suppress": ({}, [["undeliverable", "p5", 1, "2026-11-10T13:30:00.000Z"]]),
    "messages_to_resend": ({}, []),
    "opt_out_rate": ({}, [["invite", 4, 4, 0, 0, 0.0], ["promo", 4, 2, 0, 0, 0.0], [None, 1, 1, 0, 0, 0.0]]),
    "template_and_number_events": ({}, [["2026-11-11T07:00:00.000Z", "meta", None, None, "account_update", None]]),
    "tickets": (
        {},
        [
            [
                "T1",
                "A",
                "p1",
                None,
                None,
                "invite",
                "read",
                "2026-11-09T20:00:00.000Z",
                "2026-11-09T20:00:05.000Z",
                "2026-11-09T20:01:00.000Z",
                "2026-11-09T20:02:00.000Z",
                "yes",
                "Yes",
                120.0,
                "responded",
            ],
            [
                "T1",
                "C",
                "p1",
                None,
                None,
                "invite",
                "read",
                "2026-11-10T11:00:00.000Z",
                None,
                None,
                "2026-11-10T11:05:00.000Z",
                "no",
                "No",
                300.0,
                "responded",
            ],
        ],
    ),
    "time_to_click": ({}, [[hours, 6, 2, 2 / 6] for hours in (1, 6, 24, 72, 168)]),
    "week_over_week": ({}, [["2026-11-09", 9, 7, 2, 7 / 9, 2 / 7, None, None, None]]),
    "journey": (
        {"recipient_id": "p6"},
        [
            ["2026-11-10T14:00:00.000Z", "sent", "G", "promo", None, "delivered"],
            ["2026-11-10T14:00:30.000Z", "failed", "G", "promo", None, "delivered"],
            ["2026-11-10T14:01:00.000Z", "delivered", "G", "promo", None, "delivered"],
        ],
    ),
    # Wilson: 2 of 4 is 0.150 to 0.850, 0 of 1 is 0 to 0.793.
    "compare_templates": (
        {"templates": "invite,promo"},
        [
            [
                "invite",
                4,
                4,
                2,
                0.5,
                0.15003570882017145,
                0.8499642911798285,
                0.0,
                -0.4949242469328004,
                0.4949242469328004,
            ],
            [
                "promo",
                3,
                1,
                0,
                0.0,
                4.5861823555236146e-17,
                0.7934567085261071,
                0.5,
                -0.3672073301155171,
                0.8499642911798285,
            ],
        ],
    ),
}
