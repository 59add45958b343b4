"""A lake of thirty days and three million rows, made by DuckDB in seconds.

To see what queries read, not what they answer.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb

from lake_writer import TABLES, write_manifest, write_rejections

START = "2025-06-01"
DAYS = 30
# A report also reads days before and after its window (docs/metrics.md, part 5): these days are there, too.
DAYS_BEFORE, DAYS_AFTER = 65, 10
MESSAGES_A_DAY = 30_000

_TYPES = {
    "string": "VARCHAR",
    "timestamp": "TIMESTAMP_MS",
    "bigint": "BIGINT",
    "boolean": "BOOLEAN",
    "array<string>": "VARCHAR[]",
    "map<string,string>": "MAP(VARCHAR, VARCHAR)",
}

# Columns with a value; every other one is null. `n` numbers the messages of a day, `d` the days, `h` is a hash of both.
_MESSAGE = "'wamid.HBgM' || upper(md5(h::VARCHAR)) || 'AA=='"
_PERSON = "'9198' || lpad((h % 2000000)::VARCHAR, 8, '0')"
_SENT = "epoch_ms((epoch(DATE '" + START + "') * 1000)::BIGINT + d * 86400000 + (h % 86400000)::BIGINT)"
_META = {"provider": "'meta'", "account_id": "'900800700600'", "phone_number_id": "'100200300400'"}
_TEMPLATE = "'template_' || (h % 40)"
_PRICE = {
    "billable": "true",
    "pricing_model": "'PMP'",
    "pricing_type": "'regular'",
    "pricing_category": "['marketing', 'utility', 'service'][1 + h % 3]",
}


def _status(
    status: str, seconds: int, share: int, more: dict[str, str] | None = None
) -> tuple[str, int, int, dict[str, str]]:
    return (
        "statuses",
        seconds,
        share,
        {**_META, "message_id": _MESSAGE, "status": f"'{status}'", "wa_id": _PERSON, **(more or {})},
    )


# Table, seconds after the sending, share of the messages in percent, columns.
_KINDS: list[tuple[str, int, int, dict[str, str]]] = [
    _status("sent", 0, 95, _PRICE),
    _status("delivered", 30, 88),
    _status("read", 3600, 60),
    _status(
        "failed", 5, 5, {"error_code": "[131049, 131026, 470][1 + h % 3]", "error_title": "'Message undeliverable'"}
    ),
    (
        "clicks",
        5400,
        50,
        {
            **_META,
            "click_id": "'wamid.CLICK' || upper(md5((h + 1)::VARCHAR))",
            "message_id": _MESSAGE,
            "wa_id": _PERSON,
            "kind": "'button_reply'",
            "button_id": "['yes', 'no', 'later'][1 + h % 3]",
            "button_text": "['Yes', 'No', 'Later'][1 + h % 3]",
            "source": "'messages'",
        },
    ),
    (
        "sends",
        1,
        25,
        {
            "provider": "'tracker'",
            "message_id": _MESSAGE,
            "wa_id": _PERSON,
            "template_name": _TEMPLATE,
            "flow_type": "'rsvp'",
            "message_type": "'rsvp'",
            "standalone": "false",
            "event_id": "'event-' || (h % 20)",
            "event_registration_id": "'registration-' || h % 900000",
            "ticket_id": "'T' || (h % 900000)",
            "buttons": "['yes', 'no', 'later']",
        },
    ),
    (
        "messages",
        7200,
        8,
        {
            **_META,
            "message_id": "'wamid.IN' || upper(md5((h + 2)::VARCHAR))",
            "wa_id": _PERSON,
            "type": "'text'",
            "context_message_id": _MESSAGE,
        },
    ),
    (
        "account_events",
        0,
        3,
        {
            **_META,
            "event_id": "md5((h + 3)::VARCHAR)",
            "type": "'user_preferences'",
            "payload": "'{}'",
            "wa_id": _PERSON,
            "category": "'marketing_messages'",
            "preference": "'stop'",
        },
    ),
]


def write_large_lake(root: Path, days: int = DAYS, messages_a_day: int = MESSAGES_A_DAY) -> int:
    """Writes it, one part a table and day, sorted by event time as the lake does. Returns the number of rows."""
    connection = duckdb.connect()
    connection.execute(
        f"CREATE TABLE numbers AS SELECT d, n, (hash(d * 1000000 + n) >> 4)::BIGINT AS h FROM range({days}) AS a (d), "
        f"range({messages_a_day}) AS b (n)"
    )
    total = 0
    first = date.fromisoformat(START)
    write_rejections(
        root,
        [
            {
                "dt": str(first + timedelta(days=day)),
                "reason": reason,
                "source": f"raw/{day}/{number}",
                "line_count": 1 + number,
            }
            for day in range(days)
            for reason in ("not_json", "wrong_type")
            for number in range(50)
        ],
    )
    for name, table in TABLES.items():
        if not table.is_parquet:
            continue
        selects = []
        for kind, seconds, share, columns in _KINDS:
            if kind != name:
                continue
            moment = f"{_SENT} + INTERVAL {seconds} SECOND"
            values = {"event_ts": moment, "received_at": f"{moment} + INTERVAL 2 SECOND", **columns}
            cells = ", ".join(
                f'CAST({values.get(column.name, "NULL")} AS {_TYPES[column.type]}) AS "{column.name}"'
                for column in table.columns
            )
            selects.append(f"SELECT {cells} FROM numbers WHERE (h >> 8) % 100 < {share}")
        connection.execute(f"CREATE TABLE made AS {' UNION ALL '.join(selects)}")
        for (dt,) in connection.execute(
            "SELECT DISTINCT strftime(event_ts, '%Y-%m-%d') FROM made ORDER BY 1"
        ).fetchall():
            folder = root / "data" / name / f"dt={dt}"
            folder.mkdir(parents=True)
            part = folder / "part.parquet"
            connection.execute(
                f"COPY (SELECT * FROM made WHERE event_ts >= TIMESTAMP '{dt}' AND event_ts < TIMESTAMP '{dt}' + "
                "INTERVAL 1 DAY ORDER BY event_ts)"
                f" TO '{part}' (FORMAT parquet, COMPRESSION zstd)"
            )
            write_manifest(root, name, dt, [part])
        total += connection.execute("SELECT count(*) FROM made").fetchone()[0]  # type: ignore[index]
        connection.execute("DROP TABLE made")
    connection.close()
    return total


def surround(root: Path, before: int = DAYS_BEFORE, after: int = DAYS_AFTER) -> None:
    """Gives the lake days before its first one and after its last one: links to the parts of days that it has.

    The rows in them keep their times, so these days serve to count bytes and nothing else.
    """
    first = date.fromisoformat(START)
    inner = [first + timedelta(days=day) for day in range(1, DAYS - 1)]
    added = [first - timedelta(days=day) for day in range(1, before + 1)]
    added += [first + timedelta(days=DAYS + day) for day in range(after)]
    for name in (name for name, table in TABLES.items() if table.is_parquet):
        for day in added:
            folder = root / "data" / name / f"dt={day}"
            folder.mkdir(parents=True, exist_ok=True)
            part = folder / "part.parquet"
            part.unlink(missing_ok=True)  # the first hours after the last day
            part.hardlink_to(root / "data" / name / f"dt={inner[day.toordinal() % len(inner)]}" / "part.parquet")
            write_manifest(root, name, str(day), [part])
