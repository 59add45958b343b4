#!/usr/bin/env python3
"""Writes the sample webhooks: bare bodies, and the same as signed API Gateway events.

Run it again after a change: the signatures are made anew. The secrets are for tests only and stand in SECRETS, so that
anyone can run the samples: `make samples`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EVENTS = Path(__file__).resolve().parent.parent / "events"

SECRETS = {
    "META_APP_SECRETS": "test-meta-app-secret",
    "META_VERIFY_TOKENS": "test-verify-token",
    "WOOSH_SECRETS": "test-woosh-secret",
    "WOOSH_TOKENS": "test-woosh-token",
    "INTERAKT_SECRETS": "test-interakt-secret",
    "WASENDER_SECRETS": "test-wasender-secret",
    "TRACKER_TOKENS": "test-tracker-token",
}

ROUTES = {
    "meta": "/webhooks/meta",
    "woosh": "/webhooks/woosh",
    "interakt": "/webhooks/interakt",
    "wasender": "/webhooks/wasender",
    "track-send": "/api/webhooks/track-send/",
    "message-status": "/api/webhooks/message-status/",
}

# 5 October 2026, 09:00:00 UTC. All sample times are seconds after it.
START = 1_791_190_800


@dataclass(frozen=True)
class Sample:
    """One webhook: its name, the route it is posted to, and its body as it goes over the wire."""

    name: str
    route: str
    body: bytes


def signed_headers(route: str, body: bytes) -> dict[str, str]:
    """The headers with which the provider of `route` would post `body`."""

    def digest(secret: str) -> str:
        return "sha256=" + hmac.new(SECRETS[secret].encode(), body, hashlib.sha256).hexdigest()

    authentic = {
        "meta": lambda: {"X-Hub-Signature-256": digest("META_APP_SECRETS")},
        "woosh": lambda: {"X-Woosh-Signature": digest("WOOSH_SECRETS"), "X-Woosh-Tenant": "lift-operator"},
        "interakt": lambda: {"Interakt-Signature": digest("INTERAKT_SECRETS")},
        "wasender": lambda: {"X-Webhook-Signature": SECRETS["WASENDER_SECRETS"]},
        "track-send": lambda: {"X-Webhook-Token": SECRETS["TRACKER_TOKENS"]},
        "message-status": lambda: {"X-Webhook-Token": SECRETS["TRACKER_TOKENS"]},
    }
    return {"Content-Type": "application/json", **authentic[route]()}


def as_meta_sends(value: Any) -> bytes:
    """JSON as Meta writes it: ASCII, with escaped slashes."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode()


def as_others_send(value: Any) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False).encode()


def iso(second: int) -> str:
    """A time as Interakt writes it: naive UTC with microseconds."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(START + second, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000")


def meta(*values: dict[str, Any]) -> dict[str, Any]:
    metadata = {"display_phone_number": "4930111222", "phone_number_id": "100200300400"}
    changes = [
        {"field": "messages", "value": {"messaging_product": "whatsapp", "metadata": metadata, **value}}
        for value in values
    ]
    return {"object": "whatsapp_business_account", "entry": [{"id": "900800700600", "changes": changes}]}


def status(message: str, state: str, second: int, to: str, **more: Any) -> dict[str, Any]:
    return {"id": f"wamid.{message}", "status": state, "timestamp": str(START + second), "recipient_id": to, **more}


def inbound(click: str, second: int, sender: str, context: str | None, **more: Any) -> dict[str, Any]:
    message = {"from": sender, "id": f"wamid.{click}", "timestamp": str(START + second), **more}
    return message | ({"context": {"from": "4930111222", "id": f"wamid.{context}"}} if context else {})


MARKETING = {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "marketing"}
ANNA, BEN, CLEO, DAVE, EMMA, FINN = (f"49170000000{digit}" for digit in range(1, 7))


def meta_samples() -> list[tuple[str, dict[str, Any]]]:
    limited = {"code": 131049, "title": "Not delivered", "error_data": {"details": "healthy ecosystem engagement"}}
    flow = json.dumps({"flow_token": "order-77", "rating": "5"})
    return [
        (
            "sent_batch",
            meta(
                {
                    "statuses": [
                        status("M1", "sent", 0, ANNA, pricing=MARKETING),
                        status("M2", "sent", 0, BEN, pricing=MARKETING),
                    ]
                },
                {
                    "statuses": [
                        status("M3", "sent", 1, CLEO, pricing=MARKETING),
                        status("M4", "sent", 1, DAVE),
                        status("M5", "sent", 2, EMMA),
                        status("M6", "sent", 2, FINN),
                    ]
                },
            ),
        ),
        (
            "delivered_and_read",
            meta({"statuses": [status("M1", "read", 60, ANNA), status("M1", "delivered", 4, ANNA, pricing=MARKETING)]}),
        ),
        ("read_without_delivered", meta({"statuses": [status("M2", "read", 90, BEN)]})),
        (
            "delivered_to_two_devices",
            meta({"statuses": [status("M3", "delivered", 5, CLEO), status("M3", "delivered", 700, CLEO)]}),
        ),
        ("failed", meta({"statuses": [status("M4", "failed", 3, DAVE, errors=[limited])]})),
        (
            "delivered_batch",
            meta({"statuses": [status("M5", "delivered", 6, EMMA), status("M6", "delivered", 8, FINN)]}),
        ),
        (
            "quick_reply",
            meta(
                {
                    "messages": [
                        inbound(
                            "IN1", 75, ANNA, "M1", type="button", button={"payload": "track", "text": "Track order"}
                        )
                    ]
                }
            ),
        ),
        (
            "button_reply",
            meta(
                {
                    "messages": [
                        inbound(
                            "IN2",
                            120,
                            BEN,
                            "M2",
                            type="interactive",
                            interactive={
                                "type": "button_reply",
                                "button_reply": {"id": "help", "title": "I need help / Hilfe für mich"},
                            },
                        )
                    ]
                }
            ),
        ),
        (
            "flow_reply",
            meta(
                {
                    "messages": [
                        inbound(
                            "IN5",
                            300,
                            EMMA,
                            "M5",
                            type="interactive",
                            interactive={
                                "type": "nfm_reply",
                                "nfm_reply": {"name": "flow", "body": "Sent", "response_json": flow},
                            },
                        )
                    ]
                }
            ),
        ),
        (
            "list_reply",
            meta(
                {
                    "messages": [
                        inbound(
                            "IN6",
                            400,
                            FINN,
                            "M6",
                            type="interactive",
                            interactive={
                                "type": "list_reply",
                                "list_reply": {"id": "slot_9", "title": "09:00", "description": "Monday"},
                            },
                        )
                    ]
                }
            ),
        ),
        ("text", meta({"messages": [inbound("IN7", 500, BEN, "M2", type="text", text={"body": "thank you"})]})),
        (
            "opt_out",
            {
                "object": "whatsapp_business_account",
                "entry": [
                    {
                        "id": "900800700600",
                        "time": START + 800,
                        "changes": [
                            {
                                "field": "user_preferences",
                                "value": {
                                    "messaging_product": "whatsapp",
                                    "metadata": {
                                        "display_phone_number": "4930111222",
                                        "phone_number_id": "100200300400",
                                    },
                                    "user_preferences": [
                                        {
                                            "wa_id": CLEO,
                                            "category": "marketing_messages",
                                            "value": "stop",
                                            "timestamp": START + 800,
                                            "detail": "User requested to stop marketing messages",
                                        }
                                    ],
                                },
                            }
                        ],
                    }
                ],
            },
        ),
    ]


def woosh_status(message: str, state: str, second: int, **more: Any) -> dict[str, Any]:
    identity = f"wamid.{message}"
    return {
        "type": "message.status",
        "wa_id": identity,
        "tenant_id": "lift-operator",
        "data": {
            "id": identity,
            "status": state,
            "timestamp": str(START + second),
            "recipient_id": "27820000001",
            **more,
        },
    }


def woosh_samples() -> list[tuple[str, dict[str, Any]]]:
    click = inbound(
        "INW1",
        70,
        "27820000001",
        "W1",
        type="interactive",
        interactive={"type": "button_reply", "button_reply": {"id": "lift_b_entrapment", "title": "Entrapment"}},
    )
    undelivered = [{"code": 131047, "title": "Re-engagement message", "details": "More than 24 hours have passed"}]
    return [
        ("status_sent", woosh_status("W1", "sent", 0)),
        (
            "status_delivered",
            woosh_status(
                "W1", "delivered", 3, pricing={"billable": True, "pricing_model": "CBP", "category": "utility"}
            ),
        ),
        ("status_read", woosh_status("W1", "read", 30)),
        (
            "status_flat_sent",
            {"wa_id": "wamid.W2", "to": "27820000002", "status": "sent", "timestamp": "2026-10-05T09:00:00Z"},
        ),
        ("status_failed", woosh_status("W2", "failed", 9, errors=undelivered)),
        ("button_reply", meta({"messages": [click]})),
    ]


def interakt(event: str, identity: str, second: int, **message: Any) -> dict[str, Any]:
    return {
        "version": "1.0",
        "timestamp": iso(second),
        "type": event,
        "data": {
            "customer": {"id": "c-1", "channel_phone_number": "919800000001", "traits": {"name": "Asha"}},
            "message": {
                "id": identity,
                "chat_message_type": "PublicApiMessage",
                "is_template_message": True,
                "raw_template": json.dumps({"name": "feedback_request", "language": "en"}),
                "received_at_utc": iso(0),
                "meta_data": {"source_data": {"callback_data": "autumn-sale"}},
                **message,
            },
        },
    }


def interakt_samples() -> list[tuple[str, dict[str, Any]]]:
    one, two = "6b1f8a52-0000-4000-8000-000000000001", "6b1f8a52-0000-4000-8000-000000000002"
    quick_reply = {
        "source_data": {"callback_data": "autumn-sale"},
        "click_type": "QR",
        "button_text": "Give feedback",
        "button_link": "",
        "click_timestamp": iso(45).replace("T", " "),
        "button_payload": {"payload": {"type": "QUICK_REPLY", "text": "Give feedback"}},
    }
    link = interakt("message_api_clicked", one, 50, message_status="Read")
    link["event"] = {
        "click_type": "CTA",
        "button_text": "Visit us",
        "button_link": "https://shop.example/",
        "click_timestamp": iso(50).replace("T", " "),
        "callbackData": "autumn-sale",
    }
    return [
        ("sent", interakt("message_api_sent", one, 1, message_status="Sent")),
        ("delivered", interakt("message_api_delivered", one, 2, message_status="Delivered", delivered_at_utc=iso(2))),
        (
            "read",
            interakt("message_api_read", one, 20, message_status="Read", delivered_at_utc=iso(2), seen_at_utc=iso(20)),
        ),
        ("clicked_quick_reply", interakt("message_api_clicked", one, 45, message_status="Read", meta_data=quick_reply)),
        ("clicked_link", link),
        ("sent_other", interakt("message_api_sent", two, 1, message_status="Sent")),
        (
            "failed",
            interakt(
                "message_api_failed",
                two,
                4,
                message_status="Failed",
                channel_error_code="131026",
                channel_failure_reason="Message undeliverable",
            ),
        ),
        (
            "received",
            interakt(
                "message_received",
                "6b1f8a52-0000-4000-8000-000000000003",
                60,
                message="Hello",
                chat_message_type="CustomerMessage",
                message_content_type="Text",
                message_status="Sent",
            ),
        ),
    ]


def wasender(event: str, second: int, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "event": event,
        "sessionId": "0123456789abcdef0123456789abcdef",
        "timestamp": (START + second) * 1000,
        "data": data,
    }


def wasender_samples() -> list[tuple[str, dict[str, Any]]]:
    outbound = {"id": "3EB0AA01", "fromMe": True, "remoteJid": "58412000001@s.whatsapp.net"}
    sender = {
        "fromMe": False,
        "remoteJid": "200300400500@lid",
        "cleanedSenderPn": "58412000001",
        "addressingMode": "lid",
    }
    click = {
        "key": {"id": "3EB0BB01", **sender},
        "messageTimestamp": START + 200,
        "messageBody": "",
        "message": {
            "buttonsResponseMessage": {
                "selectedButtonId": "support",
                "selectedDisplayText": "Support",
                "contextInfo": {"stanzaId": "3EB0AA01"},
            }
        },
    }
    text = {
        "key": {"id": "3EB0BB02", **sender},
        "messageTimestamp": START + 260,
        "messageBody": "Hola",
        "message": {"conversation": "Hola"},
    }
    return [
        (
            "message_sent",
            wasender("message.sent", 0, {"key": outbound, "message": {"conversation": "menu"}, "success": True}),
        ),
        ("update_delivered", wasender("messages.update", 5, {"update": {"status": 3}, "key": outbound})),
        ("update_read", wasender("messages.update", 100, {"update": {"status": 4}, "key": outbound})),
        ("click_upsert", wasender("messages.upsert", 201, {"messages": [click]})),
        ("click_received", wasender("messages.received", 201, {"messages": click})),
        ("click_personal_received", wasender("messages-personal.received", 202, {"messages": click})),
        ("received", wasender("messages.received", 260, {"messages": text})),
    ]


def tracker_samples() -> list[tuple[str, str, dict[str, Any]]]:
    def send(message: str, to: str, template: str, buttons: list[str] | None, **more: Any) -> dict[str, Any]:
        body = {"wa_id": to, "template_wamid": f"wamid.{message}", "template_name": template, "sent_at": START, **more}
        return body if buttons is None else body | {"buttons": buttons}

    event = {"event_id": "3f0c0000-0000-4000-8000-00000000e001", "flow_type": "rsvp", "message_type": "rsvp"}
    return [
        (f"send_{message.lower()}", "track-send", send(message, to, template, buttons, **more))
        for message, to, template, buttons, more in [
            ("M1", ANNA, "order_update", ["track", "help"], {"campaign_id": "autumn"}),
            ("M2", BEN, "order_update", ["track", "help"], {"campaign_id": "autumn"}),
            ("M3", CLEO, "order_update", ["track", "help"], {"campaign_id": "autumn"}),
            ("M4", DAVE, "order_update", ["track", "help"], {"campaign_id": "autumn"}),
            (
                "M5",
                EMMA,
                "rate_us",
                None,
                {**event, "event_registration_id": "3f0c0000-0000-4000-8000-00000000f005", "guest_name": "Emma"},
            ),
            (
                "M6",
                FINN,
                "book_a_slot",
                ["slot_9", "slot_10"],
                {**event, "event_registration_id": "3f0c0000-0000-4000-8000-00000000f006"},
            ),
            ("W1", "27820000001", "lift_alert", ["lift_b_test", "lift_b_entrapment"], {"ticket_id": "EMG-1"}),
            ("W2", "27820000002", "lift_alert", ["lift_b_test", "lift_b_entrapment"], {"ticket_id": "EMG-2"}),
        ]
    ] + [
        (
            "status_delivered",
            "message-status",
            {"wamid": "wamid.M1", "recipient_id": ANNA, "status": "delivered", "timestamp": "2026-10-05T09:00:04.000Z"},
        )
    ]


def all_samples() -> list[Sample]:
    """Every sample, in the order in which the events happened to be told."""
    samples = [Sample(f"tracker_{name}", route, as_others_send(body)) for name, route, body in tracker_samples()]
    samples += [Sample(f"meta_{name}", "meta", as_meta_sends(body)) for name, body in meta_samples()]
    # Woosh passes Meta's bytes through and signs them with its own secret.
    samples += [Sample(f"woosh_{name}", "woosh", as_others_send(body)) for name, body in woosh_samples()]
    samples += [Sample(f"interakt_{name}", "interakt", as_others_send(body)) for name, body in interakt_samples()]
    samples += [Sample(f"wasender_{name}", "wasender", as_others_send(body)) for name, body in wasender_samples()]
    return samples


def api_gateway_v2(
    method: str, path: str, query: str, headers: dict[str, str], body: bytes | None, encode: bool = False
) -> dict[str, Any]:
    """An event of an HTTP API, payload version 2.0: header names in lower case."""
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {name.lower(): value for name, value in headers.items()} | {"host": "api.example"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "domainName": "api.example",
            "domainPrefix": "api",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "sample",
            },
            "requestId": "sample",
            "routeKey": "$default",
            "stage": "$default",
            "time": "05/Oct/2026:09:00:00 +0000",
            "timeEpoch": START * 1000,
        },
        "isBase64Encoded": encode,
    }
    if body is not None:
        event["body"] = base64.b64encode(body).decode() if encode else body.decode()
    return event


def api_gateway_v1(path: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    """An event of a REST API, payload version 1.0: header names as they came."""
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "resourceId": "r",
            "resourcePath": "/{proxy+}",
            "stage": "prod",
            "requestId": "sample",
            "httpMethod": "POST",
            "path": f"/prod{path}",
            "protocol": "HTTP/1.1",
            "identity": {"sourceIp": "192.0.2.1", "userAgent": "sample"},
        },
        "body": body.decode(),
        "isBase64Encoded": False,
    }


def sqs(bodies: dict[str, str]) -> dict[str, Any]:
    """An SQS event with one message for each of `bodies`, by message id."""
    return {
        "Records": [
            {
                "messageId": identity,
                "receiptHandle": "sample",
                "body": body,
                "attributes": {"ApproximateReceiveCount": "1"},
                "messageAttributes": {},
                "md5OfBody": hashlib.md5(body.encode()).hexdigest(),
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:raw-objects",
                "awsRegion": "us-east-1",
            }
            for identity, body in bodies.items()
        ]
    }


def s3_notification(key: str) -> str:
    return json.dumps(
        {
            "Records": [
                {
                    "eventVersion": "2.1",
                    "eventSource": "aws:s3",
                    "awsRegion": "us-east-1",
                    "eventTime": "2026-10-05T09:05:00.000Z",
                    "eventName": "ObjectCreated:Put",
                    "s3": {
                        "s3SchemaVersion": "1.0",
                        "bucket": {"name": "raw", "arn": "arn:aws:s3:::raw"},
                        "object": {"key": key, "size": 1, "sequencer": "0055AED6DCD90281E5"},
                    },
                }
            ]
        }
    )


def main() -> None:
    for folder in ("bodies", "apigateway", "sqs"):
        shutil.rmtree(EVENTS / folder, ignore_errors=True)
        (EVENTS / folder).mkdir()

    def write(path: str, value: dict[str, Any]) -> None:
        (EVENTS / path).write_text(json.dumps(value, indent=1) + "\n")

    for sample in all_samples():
        (EVENTS / "bodies" / f"{sample.name}.json").write_bytes(sample.body)
        headers = signed_headers(sample.route, sample.body)
        write(f"apigateway/{sample.name}.json", api_gateway_v2("POST", ROUTES[sample.route], "", headers, sample.body))

    click = next(sample for sample in all_samples() if sample.name == "meta_quick_reply")
    headers = signed_headers("meta", click.body)
    write("apigateway/v1_meta_quick_reply.json", api_gateway_v1(ROUTES["meta"], headers, click.body))
    write(
        "apigateway/base64_meta_quick_reply.json",
        api_gateway_v2("POST", ROUTES["meta"], "", headers, click.body, encode=True),
    )
    changed = click.body.replace(b"wamid.IN1", b"wamid.IN9")
    write("apigateway/forged_meta_quick_reply.json", api_gateway_v2("POST", ROUTES["meta"], "", headers, changed))
    query = f"hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={SECRETS['META_VERIFY_TOKENS']}"
    write("apigateway/handshake_meta.json", api_gateway_v2("GET", ROUTES["meta"], query, {}, None))
    wrong = query.replace(SECRETS["META_VERIFY_TOKENS"], "wrong")
    write("apigateway/forged_handshake_meta.json", api_gateway_v2("GET", ROUTES["meta"], wrong, {}, None))

    # The key is what `make invoke` and the tests put in its place.
    write("sqs/raw_object.json", sqs({"message-1": s3_notification("RAW_OBJECT_KEY")}))
    test_event = {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": "2026-10-05T09:00:00.000Z",
        "Bucket": "raw",
        "RequestId": "r",
    }
    write("sqs/test_event.json", sqs({"message-1": json.dumps(test_event)}))


if __name__ == "__main__":
    main()
