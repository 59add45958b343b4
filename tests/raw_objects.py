"""Makes raw objects of any size, quickly: flattened records, with repeats and spread over days."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path

# 1 October 2026, 00:00:00 UTC.
START_MS = 1_790_812_800_000
DAY_MS = 86_400_000


def record(number: int, days: int, chance: random.Random) -> str:
    """The record of one event: the same number gives the same event."""
    time = START_MS + (number * 7_919_993) % (days * DAY_MS)
    common = {
        "event_ts": time,
        "provider": "meta",
        "account_id": "900800700600",
        "phone_number_id": "100200300400",
        "received_at": time + chance.randrange(60_000),
        "wa_id": f"49170{number % 1_000_000:07}",
    }
    message = f"wamid.HBgMNDkxNzAwMDAwMDAwFQIAERgS{number * 2_654_435_761 % 2**64:016X}{number:08X}AA=="
    kind = number % 20
    if kind < 15:
        status = ("sent", "delivered", "read")[kind % 3]
        own = {
            "table": "statuses",
            "message_id": message,
            "status": status,
            "billable": True,
            "pricing_model": "PMP",
            "pricing_type": "regular",
            "pricing_category": "marketing",
            "conversation_origin": "marketing",
            "campaign_id": f"c{number % 17}",
        }
    elif kind < 18:
        own = {
            "table": "clicks",
            "click_id": message,
            "message_id": f"wamid.OUT{number // 3}",
            "kind": "button_reply",
            "button_id": f"button_{number % 5}",
            "button_text": f"Choice {number % 5}",
            "source": "messages",
        }
    elif kind == 18:
        own = {"table": "messages", "message_id": message, "type": "text"}
    else:
        own = {
            "table": "sends",
            "message_id": message,
            "template_name": f"template_{number % 7}",
            "buttons": ["a", "b"],
        }
    return json.dumps(own | common, separators=(",", ":"))


def records(count: int, days: int, seed: int, first: int = 0, repeats: float = 0.05) -> Iterator[str]:
    """`count` records from event number `first` on, of which about `repeats` repeat an earlier event."""
    chance = random.Random(seed)
    fresh = first
    for _ in range(count):
        if fresh and chance.random() < repeats:
            yield record(chance.randrange(fresh), days, chance)
        else:
            yield record(fresh, days, chance)
            fresh += 1


def write(directory: Path, objects: int, lines: int, days: int, seed: int, first: int = 0) -> None:
    """Writes `objects` gzip objects of `lines` records each, from event number `first` on.

    Repeats cross the objects.
    """
    directory.mkdir(parents=True)
    stream = records(objects * lines, days, seed, first)
    for number in range(objects):
        with gzip.open(directory / f"object-{number:04}.gz", "wt", compresslevel=1) as file:
            for _ in range(lines):
                file.write(next(stream) + "\n")
