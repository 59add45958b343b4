"""Generates raw lines, as ingest writes them, from a seed."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
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


def line(rng: random.Random, index: int, received_at: int) -> dict:
    """The line number `index`. Different lines never share a key: each has an id or a status of its own."""
    event_ts = (received_at - event_age(rng)) // 1000 * 1000
    common = {
        "event_ts": event_ts,
        "provider": "meta",
        "account_id": f"10229012934039{rng.randrange(3)}",
        "phone_number_id": f"10654035224292{rng.randrange(6)}",
        "received_at": received_at,
    }
    roll = rng.random()
    # Three lines in a row are about one message to one person.
    of_message = random.Random(index // 3)
    message, person = wamid(of_message), f"4917{of_message.randrange(10**8):08d}"
    if roll < 0.75:
        status = ("sent", "delivered", "read" if rng.random() < 0.9 else "failed")[index % 3]
        row = {"table": "statuses", **common, "message_id": message, "status": status, "wa_id": person}
        if status == "failed":
            return row | {"error_code": 131026, "error_title": "Message undeliverable"}
        return row | {
            "conversation_id": f"{of_message.getrandbits(128):032x}",
            "conversation_origin": "marketing",
            "billable": True,
            "pricing_model": "PMP",
            "pricing_type": "regular",
            "pricing_category": ("marketing", "utility")[index // 3 % 2],
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
            "message_id": wamid(rng),
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
    recent: list[str] = []
    for number, path in enumerate(paths):
        first, last = number * rows // objects, (number + 1) * rows // objects
        # The statuses of a message come minutes apart, not one after another.
        order = list(range(first, last))
        for start in range(0, len(order), 30_000):
            some = order[start : start + 30_000]
            rng.shuffle(some)
            order[start : start + 30_000] = some
        with gzip.open(path, "wt", compresslevel=6, encoding="utf-8") as file:
            for position, index in enumerate(order, first):
                if recent and rng.random() < 0.05:
                    text = rng.choice(recent)
                else:
                    text = json.dumps(line(rng, index, NOW - 12 * HOUR + position), separators=(",", ":"))
                    recent.append(text)
                    if len(recent) > 20_000:
                        del recent[:10_000]
                file.write(text + "\n")
    done.touch()
    return paths


def day(path: Path, rows: int, seed: int, repeat_from: tuple[int, int] | None = None) -> None:
    """Writes statuses of one day to a gzip object. `repeat_from`: seed and number of earlier rows to repeat first."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", compresslevel=6, encoding="utf-8") as file:
        if repeat_from:
            file.writelines(day_lines(*repeat_from))
        file.writelines(day_lines(seed, rows))


def day_lines(seed: int, count: int) -> Iterator[str]:
    rng = random.Random(seed)
    for _ in range(count):
        event_ts = 1_795_132_800_000 + rng.randrange(86_400) * 1000
        row = {
            "table": "statuses",
            "event_ts": event_ts,
            "provider": "meta",
            "account_id": "102290129340398",
            "phone_number_id": "106540352242922",
            "received_at": event_ts + 1500,
            "message_id": wamid(rng),
            "status": rng.choice(("sent", "delivered", "read")),
            "wa_id": f"4917{rng.randrange(10**8):08d}",
            "pricing_category": "marketing",
        }
        yield json.dumps(row, separators=(",", ":")) + "\n"
