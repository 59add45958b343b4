"""Lakes that a page must survive: thousands of templates, one message, no click, names in any script, hostile names."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from lake_writer import at, write_lake

DAY = "2026-11-10"
START = at(f"{DAY} 09:00:00")
NAMES = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "${constructor} {{7*7}} `tick`",
    "=HYPERLINK(1)",
    "عرض_نهاية_الأسبوع",
    "‮reversed",
    "שבת שלום",
    "🎉🎉 offer 🧑‍🤝‍🧑",
    "zero​width and\nnew line\tand tab",
    "a_name_without_any_place_to_break_" * 15,
    "",
)


def rows(names: Iterable[str], days: int = 1, *, clicked: bool = True) -> dict[str, list[dict[str, Any]]]:
    """One message a template and day: delivered, read, and clicked on the button named like the template."""
    found: dict[str, list[dict[str, Any]]] = {"sends": [], "statuses": [], "clicks": [], "account_events": []}
    for day in range(days):
        for number, name in enumerate(names):
            message = f"m{day}.{number}"
            sent = START + timedelta(days=day, seconds=number)
            found["sends"].append(
                {
                    "provider": "tracker",
                    "event_ts": sent,
                    "message_id": message,
                    "wa_id": f"p{number}",
                    "template_name": name,
                    "campaign_id": f"c {name}",
                    "buttons": [name],
                    "ticket_id": f"T {name}",
                }
            )
            for status, seconds in (("sent", 0), ("delivered", 5), ("read", 60)):
                moment = sent + timedelta(seconds=seconds)
                found["statuses"].append({"event_ts": moment, "message_id": message, "status": status})
            if clicked:
                click = {"event_ts": sent + timedelta(seconds=90), "click_id": f"k{message}", "message_id": message}
                found["clicks"].append({**click, "kind": "button_reply", "button_id": name, "button_text": name})
            event = {"event_ts": sent, "event_id": f"e{message}", "type": "message_template_status_update"}
            found["account_events"].append({**event, "payload": f'{{"reason": "{"long " * 400}"}}'})
    return found


def write(root: Path, name: str) -> Path:
    """One of the lakes by its name: `templates` (2,000 of them), `names`, `no-clicks`, `one-message`, `empty`."""
    made = {
        "templates": lambda: rows([f"template_{number:04d}" for number in range(2000)], days=3),
        "names": lambda: rows(NAMES),
        "no-clicks": lambda: rows(["welcome", "offer"], clicked=False),
        "one-message": lambda: rows(["welcome"]),
        "empty": lambda: {"sends": []},
    }
    (root / "manifest").mkdir(parents=True, exist_ok=True)
    return write_lake(root, made[name]())
