"""Row by row: for every message of random histories, the look-up store answers what the queries answer."""

from __future__ import annotations

import gzip
import http.client
import itertools
import json
import random
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import local_pipeline
from bluetick_sql.duck import DuckEngine
from bluetick_sql.lake import LocalLake
from bluetick_sql.statements import Settings, Statement, bind, find_query
from local_pipeline import BLUETICK
from random_lake import random_rows

Row = dict[str, Any]
Record = dict[str, Any]

MESSAGES = 100
KILLS = 4
START = datetime(2026, 10, 1, tzinfo=UTC)


def milliseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


# ------------------------------------------------------------------------------------------------------ both answers


def everything(engine: DuckEngine, statement: Statement, **parameters: str) -> list[Row]:
    unlimited = replace(statement, text=statement.text.replace("LIMIT 50", ""))
    found = engine.run(unlimited, bind(unlimited, parameters))
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


def sql_rows(lake: Path) -> tuple[list[Row], dict[str, Row]]:
    """All rows of message_log in their order, and those of message_status by message, with first click and reply."""
    with DuckEngine(LocalLake(lake), Settings("bluetick", "", "UTC", 72)) as engine:
        logs = everything(engine, find_query("message_log"))
        status = find_query("message_status")
        more = replace(
            status, text=status.text.replace("state AS status,", "state AS status, first_click_at, replied_at,")
        )
        ids = ",".join(row["message_id"] for row in logs)
        statuses = everything(engine, more, message_ids=ids)
    return logs, {row["message_id"]: row for row in statuses}


def stored_logs(store: str, **variables: str) -> list[Row]:
    """All entries of message-logs, page by page."""
    found, cursor = [], []
    while True:
        page = lookup("messages", *cursor, store=store, **variables)
        found += page["logs"]
        if page["next_cursor"] is None:
            return found
        cursor = ["--cursor", page["next_cursor"]]


def lookup(*arguments: str, store: str, **variables: str) -> Any:
    command = [str(BLUETICK), "lookup", *arguments, "--lookups", store]
    environment = local_pipeline.environment(**variables)
    return json.loads(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


def moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=None)


def as_log(entry: Row) -> Row:
    """An entry of message-logs as a row of message_log."""
    row = {name: value for name, value in entry.items() if name not in ("id", "wamid", "first_click_at", "replied_at")}
    row["message_id"] = entry["wamid"]
    row["error_code"] = None if entry["error_code"] is None else int(entry["error_code"])
    return row | {name: moment(value) for name, value in row.items() if name.endswith("_at")}


def as_status(entry: Row) -> Row:
    """An entry of message-status-lookup as a row of message_status."""
    row = {name: moment(value) if name.endswith("_at") else value for name, value in entry.items()}
    return row | {"error_code": None if entry["error_code"] is None else int(entry["error_code"])}


def differences(store: str, lake: Path, **variables: str) -> list[str]:
    """How the store differs from the queries, message by message and in their order."""
    logs, statuses = sql_rows(lake)
    stored = [as_log(entry) for entry in stored_logs(store, **variables)]
    found = []
    for expected, row in zip(logs, stored, strict=False):
        wanted = {name: value for name, value in expected.items() if name in row}
        assert wanted.keys() == row.keys()
        if wanted != row:
            wrong = {name: (value, row[name]) for name, value in wanted.items() if row[name] != value}
            found.append(f"{expected['message_id']}: (SQL, store) {wrong}")
    if len(stored) != len(logs):
        found.append(f"{len(logs)} messages in SQL, {len(stored)} in the store")
    ids = list(statuses)
    for start in range(0, len(ids), 500):
        answered = lookup("status", *ids[start : start + 500], store=store, **variables)["statuses"]
        for message_id in ids[start : start + 500]:
            wanted = statuses[message_id]
            row = as_status(answered[message_id]) if message_id in answered else {}
            wrong = {name: (wanted[name], value) for name, value in row.items() if wanted[name] != value}
            if wrong or not row:
                found.append(f"{message_id}: (SQL, store) {wrong or 'missing'}")
    return found


# --------------------------------------------------------------------------------------------------------- histories


def random_records(seed: int) -> list[Record]:
    """Records of all tables in the order of their receipt: contradictions, corrections, repeats, late receipts."""
    rng = random.Random(seed)
    rows = random_rows(seed, MESSAGES, START, 20)
    records = []
    for table in ("statuses", "sends", "clicks", "messages", "account_events"):
        for number, row in enumerate(rows[table]):
            event = milliseconds(row["event_ts"])
            # Most come within a minute, some weeks later.
            received = event + (rng.randrange(60_000) if rng.random() < 0.8 else rng.randrange(30 * 86_400_000))
            record = {"table": table, "provider": "meta", **row, "event_ts": event, "received_at": received}
            if table == "sends":
                record["sent_at"] = event
            records.append(record)
            records += told_again(rng, record, number)
    records.sort(key=lambda record: record["received_at"])
    return [{name: value for name, value in record.items() if value is not None} for record in records]


def told_again(rng: random.Random, record: Record, number: int) -> Iterator[Record]:
    """What other sources say of the same event, later: the same, something else, or a correction."""
    later = record["received_at"] + rng.randrange(1, 3 * 86_400_000)
    if rng.random() < 0.2:
        yield {**record, "received_at": later}
    if record["table"] == "sends" and rng.random() < 0.5:
        corrected = {"updated_at": record["event_ts"] + rng.randrange(4) * 60_000} if rng.random() < 0.7 else {}
        yield {
            **record,
            **corrected,
            "received_at": later,
            "guest_name": f"Ada {rng.randrange(3)}",
            "event_id": "moved",
        }
    if record["table"] == "statuses" and rng.random() < 0.2:
        text = rng.choice([None, "another"])
        yield {**record, "received_at": later, "provider": "woosh", "error_title": text, "wa_id": "4915550199"}
    if record["table"] == "clicks" and rng.random() < 0.4:
        # One click, of which two sources say different things; and Interakt's two reports of one tap.
        yield {**record, "received_at": later, "kind": rng.choice(["quick_reply", "landing_page_view", "link_click"])}
        tap = {**record, "provider": "interakt", "kind": "quick_reply", "click_id": f"tap{number}"}
        yield {**tap, "source": "message_api_clicked"}
        apart = rng.choice([0, 1, 59_999, 60_000, 60_001, -60_000, -60_001])
        echo = {
            **tap,
            "click_id": f"echo{number}",
            "event_ts": record["event_ts"] + apart,
            "source": "message_received",
        }
        yield {**echo, "received_at": max(later, echo["event_ts"])}


def simulated_requests(work: Path, seed: int, messages: int) -> list[dict[str, Any]]:
    """The requests of `bluetick simulate`, in the order of arrival."""
    out = work / "simulation"
    options = ["--seed", str(seed), "--messages", str(messages), "--days", "5", "--out", str(out)]
    subprocess.run([BLUETICK, "simulate", *options], check=True, capture_output=True)
    with (out / "requests.ndjson").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def write_object(raw: Path, number: int, records: list[Record]) -> None:
    raw.mkdir(exist_ok=True)
    with gzip.open(raw / f"{number:04}.gz", "wt", encoding="utf-8", compresslevel=1) as out:
        out.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def send(port: int, request: dict[str, Any]) -> bool:
    """Whether the webhook was answered 200."""
    try:
        return local_pipeline.post(port, request["path"], request["headers"], request["body"].encode())[0] == 200
    except (OSError, http.client.HTTPException):
        return False


@contextmanager
def served(raw: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Runs `bluetick serve`, and kills it in the end."""
    command = [str(BLUETICK), "serve", "--listen", "127.0.0.1:0", "--sink", raw.absolute().as_uri(), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=local_pipeline.environment(), text=True)
    try:
        assert process.stdout is not None
        yield process, int(process.stdout.readline().rsplit(":", 1)[1])
    finally:
        process.kill()
        process.wait(timeout=60)


# -------------------------------------------------------------------------------------------------------------- tests


@pytest.mark.parametrize(("store", "seed"), [("embedded", 1), ("embedded", 2), ("dynamodb", 3)], indirect=["store"])
def test_random_histories_moved_in_any_order(store: tuple[str, dict[str, str]], tmp_path: Path, seed: int) -> None:
    url, variables = store
    lake, records = tmp_path / "lake", random_records(seed)
    objects = [records[start : start + 100] for start in range(0, len(records), 100)]
    random.Random(seed).shuffle(objects)
    half = len(objects) // 2
    for number, part in enumerate([objects[:half], objects[half:] + objects[:3]]):
        for position, lines in enumerate(part):
            write_object(tmp_path / f"raw{number}", position, lines)
        moved = ("--raw", (tmp_path / f"raw{number}").as_uri(), "--lake", lake.absolute().as_uri(), "--lookups", url)
        local_pipeline.bluetick("run", *moved, **variables)
    assert differences(url, lake, **variables) == []

    persons = {record["wa_id"] for record in records if "wa_id" in record}
    for person in random.Random(seed).sample(sorted(persons), 2):
        erased = ("--wa-id", person, "--lake", lake.absolute().as_uri(), "--lookups", url)
        local_pipeline.bluetick("erase", *erased, **variables)
        assert person not in json.dumps(stored_logs(url, **variables))
    assert differences(url, lake, **variables) == []
    # Erased persons' webhooks come again: neither the lake nor the store takes them.
    again = ("--raw", (tmp_path / "raw1").as_uri(), "--lake", lake.absolute().as_uri(), "--lookups", url)
    local_pipeline.bluetick("run", *again, **variables)
    assert differences(url, lake, **variables) == []


def test_a_simulated_month_posted_live(store: tuple[str, dict[str, str]], tmp_path: Path) -> None:
    """Webhooks of every provider feed the store live; the lake is moved afterwards, without the store."""
    url, variables = store
    # The emulator does not check a condition and write in one step: two requests at a time lose an update in it.
    workers, messages = (1, 30) if url.startswith("dynamodb:") else (8, MESSAGES)
    requests = simulated_requests(tmp_path, 7, messages)
    server = local_pipeline.server(tmp_path / "raw", "--lookups", url, **variables)
    with server as port, ThreadPoolExecutor(workers) as pool:
        assert all(pool.map(lambda request: send(port, request), requests))
    lake = tmp_path / "lake"
    moved = ("--raw", (tmp_path / "raw").as_uri(), "--lake", lake.absolute().as_uri())
    report = local_pipeline.bluetick("run", *moved)
    assert report["new"] > messages and report["rejected"] == 0
    assert differences(url, lake, **variables) == []


def test_killed_while_it_serves(tmp_path: Path) -> None:
    """`bluetick serve` is killed in the middle, again and again; webhooks without an answer are sent again."""
    url, lake = (tmp_path / "lookups").absolute().as_uri(), (tmp_path / "lake").absolute().as_uri()
    moved = ("--raw", (tmp_path / "raw").as_uri(), "--lake", lake, "--lookups", url)
    requests, chance = simulated_requests(tmp_path, 8, MESSAGES), random.Random(8)
    waiting = list(range(len(requests)))
    for _ in range(KILLS):
        with served(tmp_path / "raw", "--lake", lake, "--every", "1s", "--lookups", url) as (process, port):
            last = chance.randint(1, len(waiting) // 2)
            with ThreadPoolExecutor(8) as pool:
                sent = [pool.submit(send, port, requests[number]) for number in waiting]
                answered = (answer for answer in as_completed(sent) if answer.result())
                next(itertools.islice(answered, last - 1, None))
                process.kill()
            waiting = [number for number, answer in zip(waiting, sent, strict=True) if not answer.result()]
        assert waiting, "it was killed before all webhooks were answered"
    with served(tmp_path / "raw", "--lookups", url) as (_, port):
        assert all(send(port, requests[number]) for number in waiting)
    local_pipeline.bluetick("run", *moved)
    assert differences(url, tmp_path / "lake") == []


def test_an_update_left_out_would_show(tmp_path: Path) -> None:
    """A control: the store is not told of one object."""
    lake, url = tmp_path / "lake", (tmp_path / "lookups").absolute().as_uri()
    records = random_records(1)
    write_object(tmp_path / "raw", 0, records[:-200])
    write_object(tmp_path / "unfed", 0, records[-200:])
    to_lake = ("--lake", lake.absolute().as_uri())
    local_pipeline.bluetick("run", "--raw", (tmp_path / "raw").as_uri(), *to_lake, "--lookups", url)
    assert differences(url, lake) == []
    local_pipeline.bluetick("run", "--raw", (tmp_path / "unfed").as_uri(), *to_lake)
    assert differences(url, lake) != []
    local_pipeline.bluetick("lookups", "rebuild", *to_lake, "--lookups", url)
    assert differences(url, lake) == []
