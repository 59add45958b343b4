"""Signed webhooks of every provider, and the row that each must become."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass

from make_samples import SECRETS

# 2025-10-09T08:53:20Z: a fixed time, so that every run writes the same days.
EPOCH = 1_760_000_000


@dataclass(frozen=True)
class Webhook:
    """A request, and the ids of the messages that its rows must name, by table."""

    path: str
    headers: dict[str, str]
    body: bytes
    rows: tuple[tuple[str, str], ...]


def sign(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _meta(value: dict, rows: tuple[tuple[str, str], ...]) -> Webhook:
    body = json.dumps(
        {
            "object": "whatsapp_business_account",
            "entry": [{"id": "200000000000001", "changes": [{"field": "messages", "value": value}]}],
        }
    ).encode()
    return Webhook("/webhooks/meta", {"X-Hub-Signature-256": sign(SECRETS["META_APP_SECRETS"], body)}, body, rows)


_METADATA = {
    "messaging_product": "whatsapp",
    "metadata": {"display_phone_number": "15550000001", "phone_number_id": "300000000000001"},
}


def meta_statuses(ids: list[str]) -> Webhook:
    """A webhook of one or more statuses."""
    statuses = [
        {
            "id": wamid,
            "status": "delivered",
            "timestamp": str(EPOCH + number),
            "recipient_id": f"1555{number % 10_000_000:07}",
            "pricing": {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "marketing"},
        }
        for number, wamid in enumerate(ids)
    ]
    return _meta({**_METADATA, "statuses": statuses}, tuple(("statuses", wamid) for wamid in ids))


def meta_status_of(wamid: str, number: str) -> Webhook:
    """A webhook of one status of a message to this number."""
    status = {"id": wamid, "status": "delivered", "timestamp": str(EPOCH), "recipient_id": number}
    return _meta({**_METADATA, "statuses": [status]}, (("statuses", wamid),))


def meta_click(wamid: str) -> Webhook:
    message = {
        "from": "15550000002",
        "id": wamid,
        "timestamp": str(EPOCH),
        "type": "interactive",
        "context": {"from": "15550000001", "id": f"wamid.clicked-{wamid}"},
        "interactive": {"type": "button_reply", "button_reply": {"id": "yes", "title": "Ja, gerne – é só"}},
    }
    contacts = [{"profile": {"name": "A Name"}, "wa_id": "15550000002"}]
    return _meta({**_METADATA, "contacts": contacts, "messages": [message]}, (("clicks", wamid),))


def woosh_status(wamid: str) -> Webhook:
    data = {"id": wamid, "status": "read", "timestamp": str(EPOCH), "recipient_id": "15550000003"}
    body = json.dumps({"type": "message.status", "wa_id": wamid, "tenant_id": "tenant-1", "data": data}).encode()
    headers = {"X-Woosh-Signature": sign(SECRETS["WOOSH_SECRETS"], body)}
    return Webhook("/webhooks/woosh", headers, body, (("statuses", wamid),))


def interakt_status(message_id: str) -> Webhook:
    body = json.dumps(
        {
            "version": "1.0",
            "timestamp": "2025-10-09T08:53:25.000000",
            "type": "message_api_delivered",
            "data": {
                "customer": {"id": "customer-1", "channel_phone_number": "15550000004", "traits": {}},
                "message": {
                    "id": message_id,
                    "chat_message_type": "PublicApiMessage",
                    "message_status": "Delivered",
                    "received_at_utc": "2025-10-09T08:53:20.000000",
                    "delivered_at_utc": "2025-10-09T08:53:22.000000",
                    "seen_at_utc": None,
                },
            },
        }
    ).encode()
    headers = {"Interakt-Signature": sign(SECRETS["INTERAKT_SECRETS"], body)}
    return Webhook("/webhooks/interakt", headers, body, (("statuses", message_id),))


def wasender_message(message_id: str) -> Webhook:
    body = json.dumps(
        {
            "event": "messages.received",
            "timestamp": EPOCH,
            "data": {
                "messages": {
                    "key": {"id": message_id, "fromMe": False, "remoteJid": "15550000005@s.whatsapp.net"},
                    "messageTimestamp": EPOCH,
                    "message": {"conversation": "hello"},
                }
            },
        }
    ).encode()
    headers = {"X-Webhook-Signature": SECRETS["WASENDER_SECRETS"]}
    return Webhook("/webhooks/wasender", headers, body, (("messages", message_id),))


def tracker_send(wamid: str) -> Webhook:
    # The time of sending is named: else a repeat on another day would be a row more.
    request = {
        "wa_id": "15550000006",
        "template_wamid": wamid,
        "template_name": "spring",
        "sent_at": "2025-10-09T08:53:20Z",
    }
    headers = {"X-Webhook-Token": SECRETS["TRACKER_TOKENS"]}
    return Webhook("/api/webhooks/track-send/", headers, json.dumps(request).encode(), (("sends", wamid),))


KINDS = (
    lambda wamid: meta_statuses([wamid]),
    meta_click,
    woosh_status,
    interakt_status,
    wasender_message,
    tracker_send,
)


def webhooks(name: str, count: int) -> list[Webhook]:
    """`count` webhooks, of each kind in turn; `name` keeps the ids of one test from those of another."""
    return [KINDS[number % len(KINDS)](f"wamid.{name}-{number}") for number in range(count)]
