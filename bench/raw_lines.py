"""Generates raw lines, as ingest writes them, from a seed."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

# 2026-11-20 12:00 UTC, in milliseconds since 1970.
NOW = 1_795_176_000_000
HOUR = 3_600_000
DAY = 24 * HOUR
TEMPLATES = [f"{kind}_{number}" for kind in ("order_update", "reminder", "offer", "survey") for number in range(10)]


def event_age(rng: random.Random) -> int:
    """Milliseconds between event and receipt: 86 % below an hour, 1 % up to seven days."""
    roll = rng.random()
    if roll < 0.86:
        return rng.randrange(HOUR)
    if roll < 0.99:
        return rng.randrange(HOUR, DAY)
    return rng.randrange(DAY, 7 * DAY)


def wamid(rng: random.Random) -> str:
    return f"wamid.HBgM{rng.getrandbits(64):016X}FQIAERgS{rng.getrandbits(72):018X}AA=="


def line(rng: random.Random, messages: list[str], received_at: int) -> dict:
    event_ts = (received_at - event_age(rng)) // 1000 * 1000
    common = {
        "event_ts": event_ts,
        "provider": "meta",
        "account_id": f"10229012934039{rng.randrange(3)}",
        "phone_number_id": f"10654035224292{rng.randrange(6)}",
        "received_at": received_at,
    }
    roll = rng.random()
    message = rng.choice(messages)
    person = f"4917{rng.randrange(10**8):08d}"
    if roll < 0.75:
        status = rng.choice(("sent", "delivered", "delivered", "read", "read", "failed"))
        row = {"table": "statuses", **common, "message_id": message, "status": status, "wa_id": person}
        if status == "failed":
            return row | {"error_code": 131026, "error_title": "Message undeliverable"}
        return row | {
            "conversation_id": f"{rng.getrandbits(128):032x}",
            "conversation_origin": "marketing",
            "billable": True,
            "pricing_model": "PMP",
            "pricing_type": "regular",
            "pricing_category": rng.choice(("marketing", "utility")),
        }
    if roll < 0.90:
        button = rng.randrange(4)
        return {
            "table": "clicks",
            **common,
            "click_id": wamid(rng),
            "message_id": message,
            "wa_id": person,
            "kind": "button_reply",
            "button_id": f"button_{button}",
            "button_text": f"Option {button}",
        }
    if roll < 0.95:
        return {
            "table": "sends",
            **common,
            "message_id": message,
            "wa_id": person,
            "template_name": rng.choice(TEMPLATES),
            "campaign_id": f"campaign-{rng.randrange(20)}",
            "buttons": ["button_0", "button_1"],
        }
    return {"table": "messages", **common, "message_id": wamid(rng), "wa_id": person, "type": "text"}


def write(folder: Path, rows: int, seed: int, objects: int) -> list[Path]:
    """Writes `rows` lines, 5 % of them duplicates, to gzip objects; reuses existing ones."""
    paths = [folder / f"{number:03}.gz" for number in range(objects)]
    done = folder / ".done"
    if done.exists():
        return paths
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    messages = [wamid(rng) for _ in range(max(1, rows // 3))]
    recent: list[str] = []
    for number, path in enumerate(paths):
        with gzip.open(path, "wt", compresslevel=6, encoding="utf-8") as file:
            for index in range(number * rows // objects, (number + 1) * rows // objects):
                if recent and rng.random() < 0.05:
                    text = rng.choice(recent)
                else:
                    # Two different rows never share a key: keys contain a random id or the time.
                    text = json.dumps(line(rng, messages, NOW - 12 * HOUR + index), separators=(",", ":"))
                    recent.append(text)
                    if len(recent) > 20_000:
                        del recent[:10_000]
                file.write(text + "\n")
    done.touch()
    return paths
