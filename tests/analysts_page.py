"""The SQL of docs/analysts.md, as it stands on the page, and a lake with customers to run it on."""

from __future__ import annotations

import re
from pathlib import Path

from binaries import ROOT
from bluetick_sql.console import pasted
from bluetick_sql.statements import Settings, find_query
from lake_writer import at, write_lake

PAGE = (ROOT / "docs" / "analysts.md").read_text(encoding="utf-8")
DAYS = {"from": "2026-11-10", "to": "2026-11-11"}
# The first is twice in the file, as an export with an error in it has it. The last person is no customer.
CUSTOMERS = (
    'phone,segment\n"+91 98765 43210",gold\n919876543210,gold\n"+44 (20) 7946-0018",silver\n+1 555 0100,silver\n'
)
_PEOPLE = ("919876543210", "442079460018", "15550100", "33123456789")
ANSWERS = {
    # segment, clicks, people
    "clicks_by_button": [["gold", 3, 1], ["no customer", 1, 1]],
    # segment, messages, delivered, clicked, ctr: the third person's message was not delivered.
    "ctr_by_template": [["gold", 2, 2, 2, 1.0], ["silver", 2, 1, 0, 0.0], ["no customer", 1, 1, 1, 1.0]],
}


def statements() -> list[str]:
    """The blocks of SQL, in their order."""
    return re.findall(r"^```sql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def statement(beginning: str) -> str:
    """The block that contains this text."""
    [found] = [text for text in statements() if beginning in text]
    return found.strip()


def joined(name: str, settings: Settings) -> str:
    """A saved query with the page's SELECT in place of its last one, and the days of the lake."""
    text = pasted(find_query(name), settings)
    for mark, day in DAYS.items():
        start = text.index(f"/* {mark} */ CAST(")
        end = text.index("varchar)", start) + len("varchar)")
        text = f"{text[:start]}'{day}'{text[end:]}"
    source = {"clicks_by_button": "FROM local_clicks", "ctr_by_template": "FROM sent_messages"}[name]
    return text[: text.rindex("\nSELECT")] + "\n" + statement(source)


def write_customers_lake(root: Path) -> Path:
    """A message for each person and two for the first, all but the third person's delivered, with four clicks."""
    messages = [*zip("ABCD", _PEOPLE, strict=True), ("E", _PEOPLE[0])]
    clicks = [("1", "A", _PEOPLE[0]), ("2", "A", _PEOPLE[0]), ("3", "E", _PEOPLE[0]), ("4", "D", _PEOPLE[3])]
    return write_lake(
        root,
        {
            "statuses": [
                {"message_id": message, "status": status, "event_ts": at("2026-11-10 09:00:00"), "wa_id": person}
                for message, person in messages
                for status in ("sent", "delivered")
                if (message, status) != ("C", "delivered")
            ],
            "clicks": [
                {
                    "click_id": click,
                    "message_id": message,
                    "event_ts": at(f"2026-11-10 10:0{click}:00"),
                    "wa_id": person,
                    "kind": "button_reply",
                    "button_id": "yes",
                    "button_text": "Yes",
                }
                for click, message, person in clicks
            ],
        },
    )
