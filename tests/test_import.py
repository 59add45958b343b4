"""`bluetick import`: exports of four systems, with rubbish among them, against a count by an independent reading.

IMPORT_ROWS sets the rows of each export; `make test-import` takes 100,000.
"""

from __future__ import annotations

import csv
import json
import os
import random
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import lake_reader
import local_pipeline
from binaries import binary

ROWS = int(os.environ.get("IMPORT_ROWS", "2000"))
# 1 September 2026, 00:00 UTC.
START = 1_788_220_800
SECONDS = 20 * 86_400
# One row in this many cannot be used.
RUBBISH = 97

Fact = tuple[str, ...]


def moment(number: int, later: int = 0) -> datetime:
    return datetime.fromtimestamp(START + (number * 7919) % SECONDS + later, UTC)


def phone(number: int) -> str:
    return f"91987{number % 1_000_000:07}"


def message_logs(path: Path, rows: int) -> None:
    """As `manage.py` or a database's COPY writes a Django message log."""
    names = ["id", "wamid", "recipient_id", "status", "message_type", "template_name", "event_id", "registration_id"]
    names += ["guest_name", "sent_at", "delivered_at", "read_at", "failed_at", "error_code", "error_message"]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        for number in range(rows):
            kind = number % 4
            row = {
                "id": number,
                "wamid": f"wamid.D{number}",
                "recipient_id": f"+{phone(number)}",
                "status": ("sent", "delivered", "read", "failed")[kind],
                "message_type": "rsvp",
                "template_name": f"template_{number % 5}",
                "guest_name": 'Ann "Amy",\nSmith' if number % 7 == 0 else "Ann",
                "sent_at": str(moment(number)),
            }
            if number % 3:
                row |= {"event_id": f"e{number % 11}", "registration_id": f"r{number}"}
            if kind in (1, 2):
                row["delivered_at"] = moment(number, 5).isoformat()
            if kind == 2:
                row["read_at"] = moment(number, 60).strftime("%Y-%m-%dT%H:%M:%SZ")
            if kind == 3:
                row |= {"failed_at": str(moment(number, 2)), "error_code": "131026", "error_message": "Undeliverable"}
            if number % RUBBISH == 1:
                row["wamid"] = ""
            writer.writerow(row)


def status_logs(path: Path, rows: int) -> None:
    """Interakt's application; PostgreSQL writes times without a zone."""
    names = ["id", "message_id", "event_type", "customer_phone", "customer_name", "status", "failure_reason"]
    names += ["error_code", "click_type", "button_text", "created_at"]
    events = ["message_api_sent", "message_campaign_delivered", "message_api_read", "message_api_failed"]
    events += ["message_api_clicked"]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names, restval="\\N")
        writer.writeheader()
        for number in range(rows):
            event = events[number % len(events)]
            row = {
                "id": number,
                "message_id": f"msg-{number // 3}",
                "event_type": event,
                "customer_phone": f"+{phone(number // 3)}",
                "created_at": moment(number).strftime("%Y-%m-%d %H:%M:%S.%f"),
            }
            if event.endswith("clicked"):
                row |= {"click_type": "QR" if number % 2 else "CTA", "button_text": f"Choice {number % 4}"}
            if event.endswith("failed"):
                row |= {"failure_reason": "Not on WhatsApp", "error_code": "1013"}
            if number % RUBBISH == 1:
                row["created_at"] = "yesterday"
            writer.writerow(row)


def woosh_events(path: Path, rows: int) -> None:
    names = ["id", "tenant_id", "wa_id", "status", "event_ts", "recipient_id", "raw_payload"]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        for number in range(rows):
            status = ("sent", "delivered", "read", "failed", "deleted")[number % 5]
            time = moment(number)
            payload = {"id": f"wamid.W{number // 5}", "status": status, "timestamp": str(int(time.timestamp()))}
            payload |= {"recipient_id": phone(number // 5), "pricing": {"billable": True, "category": "service"}}
            row = {
                "id": number,
                "tenant_id": "t1",
                "wa_id": payload["id"],
                "status": status,
                "event_ts": time.strftime("%Y-%m-%d %H:%M:%S+00"),
                "raw_payload": json.dumps(payload) if number % 2 else "",
                "recipient_id": phone(number // 5),
            }
            if number % RUBBISH == 1:
                row["raw_payload"] = "{broken"
            writer.writerow(row)


def button_clicks(path: Path, rows: int) -> None:
    with path.open("w") as file:
        for number in range(rows):
            line = {
                "timestamp": moment(number).strftime("%Y-%m-%dT%H:%M:%S.250Z"),
                "wa_id": phone(number),
                "button_id": f"button_{number % 6}",
                "button_text": f"Choice {number % 6}",
                "context_id": f"wamid.C{number // 2}" if number % 5 else None,
            }
            file.write((json.dumps(line) if number % RUBBISH != 1 else '{"timestamp": "cut') + "\n")


# The independent reading: what each row says, by Python's own parsers. `None` is a row that cannot be used.


def said_by_message_log(row: dict[str, str]) -> Iterator[Fact] | None:
    if not row["wamid"]:
        return None
    facts = [("sends", row["wamid"], iso(row["sent_at"]), row["template_name"], row["event_id"])]
    for column in ("sent", "delivered", "read", "failed"):
        if time := row[f"{column}_at"]:
            code = row["error_code"] if column == "failed" else ""
            facts.append(("statuses", row["wamid"], column, iso(time), code))
    return iter(facts)


def said_by_status_log(row: dict[str, str]) -> Iterator[Fact] | None:
    try:
        time = iso(row["created_at"])
    except ValueError:
        return None
    if row["event_type"] == "message_api_clicked":
        kind = {"QR": "quick_reply", "CTA": "link_click"}[row["click_type"]]
        return iter([("clicks", row["message_id"], kind, row["button_text"], time)])
    code = row["error_code"].replace("\\N", "")
    return iter([("statuses", row["message_id"], row["event_type"].rsplit("_", 1)[1], time, code)])


def said_by_woosh(row: dict[str, str]) -> Iterator[Fact] | None:
    if row["raw_payload"].startswith("{broken"):
        return None
    return iter([("statuses", row["wa_id"], row["status"], iso(row["event_ts"]), "")])


def said_by_function(line: str) -> Iterator[Fact] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return iter([("clicks", row["context_id"] or "", "button_reply", row["button_text"], iso(row["timestamp"]))])


def iso(text: str) -> str:
    time = datetime.fromisoformat(text)
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="milliseconds")


def csv_rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="") as file:
        yield from csv.DictReader(file)


def lines(path: Path) -> Iterator[str]:
    with path.open() as file:
        yield from file


EXPORTS: dict[str, tuple[Callable, Callable, Callable]] = {
    "django-message-logs": (message_logs, csv_rows, said_by_message_log),
    "message-status-logs": (status_logs, csv_rows, said_by_status_log),
    "woosh-status-events": (woosh_events, csv_rows, said_by_woosh),
    "button-clicks": (button_clicks, lines, said_by_function),
}


def in_lake(lake: Path) -> Counter[Fact]:
    """The facts that the lake holds, read by pyarrow."""
    import pyarrow.parquet

    columns = {
        "sends": ("message_id", "event_ts", "template_name", "event_id"),
        "statuses": ("message_id", "status", "event_ts", "error_code"),
        "clicks": ("message_id", "kind", "button_text", "event_ts"),
    }
    found: Counter[Fact] = Counter()
    for table, names in columns.items():
        for part in lake_reader.parts(lake, table):
            for row in pyarrow.parquet.read_table(part, columns=list(names)).to_pylist():
                found[table, *(as_text(row[name]) for name in names)] += 1
    return found


def as_text(value: object) -> str:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC).isoformat(timespec="milliseconds")
    return "" if value is None else str(value)


def run(source: str, path: Path, lake: Path, *more: str) -> dict:
    command = [str(binary("bluetick")), "import", "--from", source, str(path), "--lake", lake.as_uri(), "--json", *more]
    done = subprocess.run(command, env=local_pipeline.environment(), capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout) | {"status": done.returncode}


@pytest.mark.parametrize("source", EXPORTS)
def test_an_export_imported_twice_is_what_an_independent_reading_counts(source: str, tmp_path: Path) -> None:
    write, read, said = EXPORTS[source]
    path, lake = tmp_path / "export", tmp_path / "lake"
    write(path, ROWS)
    readings = [said(row) for row in read(path)]
    expected = Counter({fact for facts in readings if facts is not None for fact in facts})
    unusable = sum(facts is None for facts in readings)
    assert unusable > 5 or ROWS < 500

    first = run(source, path, lake)
    assert (first["rows"], first["rejected_rows"], first["rejected_records"]) == (ROWS, unusable, 0)
    assert first["status"] == 1
    found = in_lake(lake)
    assert set(found) == set(expected)
    assert found.total() == first["new"]
    parts = lake_reader.rows(lake)
    again = run(source, path, lake)
    assert (again["new"], again["duplicates"]) == (0, first["new"] + first["duplicates"])
    lake_reader.rows_of_part.cache_clear()
    assert lake_reader.rows(lake) == parts
    print(f"{source}: {ROWS} rows, {first['new']} new, {unusable} rejected, the second time {again['new']} new")


def test_rows_in_another_order_give_the_same_lake(tmp_path: Path) -> None:
    path, shuffled = tmp_path / "export", tmp_path / "shuffled"
    button_clicks(path, 500)
    text = path.read_text().splitlines(keepends=True)
    random.Random(3).shuffle(text)
    shuffled.write_text("".join(text))
    run("button-clicks", path, tmp_path / "lake")
    run("button-clicks", shuffled, tmp_path / "other")
    assert lake_reader.rows(tmp_path / "lake") == lake_reader.rows(tmp_path / "other")


def test_rejected_rows_are_written_with_their_reasons(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes(
        b"wa_id,status,event_ts\nm1,read,2026-09-01 10:00:00+00\n,read,2026-09-01\nm2,read,yesterday\nm3,read\n"
        b"m4,\xff,2026-09-01 10:00:00+00\n"
    )
    report = run("woosh-status-events", path, tmp_path / "lake")
    assert (report["rows"], report["new"], report["rejected_rows"], report["status"]) == (5, 1, 4, 1)
    rejected = [json.loads(line) for line in Path(report["rejected_rows_file"]).read_text().splitlines()]
    reasons = [line["reason"] for line in rejected]
    assert reasons[0] == "no value in wa_id or message_id"
    assert "time" in reasons[1]
    assert reasons[2:] == ["the row has 2 values, the header 3 names", "status is not UTF-8"]
    assert rejected[1]["row"]["wa_id"] == "m2"


def test_a_click_whose_time_cannot_be_read_gets_no_other_time(tmp_path: Path) -> None:
    path = tmp_path / "clicks"
    path.write_text('{"timestamp": "soon", "wa_id": "4915501", "button_id": "a", "button_text": "A"}\n')
    report = run("button-clicks", path, tmp_path / "lake")
    assert (report["new"], report["rejected_rows"]) == (0, 1)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    command = [str(binary("bluetick")), "import", "--from", "woosh-status-events", str(path)]
    done = subprocess.run([*command, "--lake", (tmp_path / "lake").as_uri()], capture_output=True, text=True)
    assert done.returncode == 1
    assert "no column wa_id or message_id; the columns are a, b" in done.stderr


def test_events_after_the_cut_over_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "clicks"
    button_clicks(path, 200)
    times = [json.loads(line)["timestamp"] for line in path.read_text().splitlines() if line.endswith("}")]
    cut = "2026-09-10T00:00:00Z"
    report = run("button-clicks", path, tmp_path / "lake", "--before", cut)
    assert report["left_out"] == sum(time >= cut for time in times) > 0
    assert report["new"] == len(times) - report["left_out"]


def test_an_imported_event_and_its_live_webhook_are_one_row(tmp_path: Path) -> None:
    """Woosh's and Interakt's exports hold what identifies the event, so both ways give the same row."""
    raw, lake = tmp_path / "raw", tmp_path / "lake"
    time = moment(1)
    data = {"id": "wamid.live", "status": "read", "timestamp": str(int(time.timestamp())), "recipient_id": "4915501"}
    webhook = {"type": "message.status", "wa_id": "wamid.live", "event_ts": time.isoformat(), "tenant_id": "t1"}
    body = json.dumps({**webhook, "data": data}).encode()
    with local_pipeline.server(raw) as port:
        assert local_pipeline.post_sample(port, local_pipeline.Sample("live", "woosh", body)) == 200
    assert local_pipeline.run(raw, lake)["new"] == 1
    path = tmp_path / "events.csv"
    payload = json.dumps(data).replace('"', '""')
    path.write_text(f'wa_id,tenant_id,status,event_ts,raw_payload\nwamid.live,t1,read,{time.isoformat()},"{payload}"\n')
    report = run("woosh-status-events", path, lake)
    assert (report["status"], report["new"], report["duplicates"]) == (0, 0, 1)


def test_phone_numbers_are_hashed_with_the_key_of_the_functions(tmp_path: Path) -> None:
    path = tmp_path / "clicks"
    button_clicks(path, 20)
    command = [str(binary("bluetick")), "import", "--from", "button-clicks", str(path)]
    command += ["--lake", (tmp_path / "lake").as_uri()]
    subprocess.run(command, env=local_pipeline.environment(PSEUDONYM_KEY="key"), capture_output=True)
    import pyarrow.parquet

    parts = lake_reader.parts(tmp_path / "lake", "clicks")
    people = {value for part in parts for value in pyarrow.parquet.read_table(part).column("wa_id").to_pylist()}
    assert people
    assert all(len(person) == 64 for person in people)
