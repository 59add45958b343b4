"""Simulated months through the real pipeline: `bluetick simulate`, `flatten` and `run`, to a lake beside its truth."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from local_pipeline import BLUETICK

_PROVIDERS = {"meta": "meta", "woosh": "woosh", "interakt": "interakt", "wasender": "wasender"}
_BODIES_AT_ONCE = 2000
_NEWS = "message_template_status_update"
# Long past, so that the state of no ticket depends on the clock. Lord Howe changes its clocks on the fifth.
START = "2025-10-01"
# A body that is one record of no meaning: printed between two bodies, it tells whose record a line is.
_MARK = '{"end_of_body":true}'
# Later than anything simulated: what flatten dates by receipt carries this time, and gets the request's own.
_RECEIPT = 4_102_444_800_000


# Table, provider, time of the event and of its first receipt in milliseconds since 1970.
Receipt = tuple[str, str, int, int]


@dataclass(frozen=True)
class Simulation:
    """A lake, and what is true of it."""

    lake: Path
    truth: dict[str, Any]


def simulate(work: Path, *, seed: int, messages: int, days: int, timezone: str, hours: int) -> Simulation:
    """Simulates, flattens every request as of its time of receipt, and moves the records into a lake under `work`."""
    subprocess.run(
        [
            BLUETICK,
            "simulate",
            "--seed",
            str(seed),
            "--messages",
            str(messages),
            "--days",
            str(days),
            "--start",
            START,
            "--timezone",
            timezone,
            "--attribution-hours",
            str(hours),
            "--out",
            work / "simulation",
        ],
        check=True,
        capture_output=True,
    )
    raw = work / "raw"
    raw.mkdir()
    receipts: dict[str, Receipt] = {}
    with gzip.open(raw / "requests.ndjson.gz", "wt", encoding="utf-8", compresslevel=1) as out:
        for record in records(work, work / "simulation" / "requests.ndjson"):
            out.write(json.dumps(record, ensure_ascii=False) + "\n")
            _note(receipts, record)
    lake = work / "lake"
    lake.mkdir()
    subprocess.run([BLUETICK, "run", "--raw", raw.as_uri(), "--lake", lake.as_uri()], check=True, capture_output=True)
    truth = json.loads((work / "simulation" / "truth.json").read_text(encoding="utf-8"))
    truth["news"] = list(news(work / "simulation" / "requests.ndjson"))
    truth["receipts"] = list(receipts.values())
    return Simulation(lake, truth)


def _note(receipts: dict[str, Receipt], record: dict[str, Any]) -> None:
    """Notes the first receipt of a statement: two records are one if they differ in their receipt alone."""
    statement = json.dumps({name: value for name, value in record.items() if name != "received_at"}, sort_keys=True)
    now: Receipt = (record["table"], record["provider"], record["event_ts"], record["received_at"])
    receipts[statement] = min(receipts.get(statement, now), now)


def news(requests: Path) -> Iterator[dict[str, Any]]:
    """What the webhooks say about templates, each statement once, read from their bodies."""
    seen = set()
    with requests.open(encoding="utf-8") as lines:
        for line in lines:
            body = json.loads(json.loads(line)["body"]) if _NEWS in line else {}
            for found in _news_of(body):
                statement = json.dumps(found, sort_keys=True)
                if statement not in seen:
                    seen.add(statement)
                    yield found


def _news_of(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if body.get("type") == _NEWS:
        at = datetime.fromisoformat(body["timestamp"]).replace(tzinfo=UTC)
        yield _news(at, "interakt", None, body["data"])
    for entry in body.get("entry", []):
        for change in entry["changes"]:
            if change["field"] == _NEWS:
                yield _news(datetime.fromtimestamp(entry["time"], UTC), "meta", entry["id"], change["value"])


def _news(at: datetime, provider: str, account: str | None, payload: Any) -> dict[str, Any]:
    milliseconds = int((at - datetime.fromtimestamp(0, UTC)) / timedelta(milliseconds=1))
    return {"at": milliseconds, "provider": provider, "account_id": account, "type": _NEWS, "payload": payload}


def records(work: Path, requests: Path) -> Iterator[dict[str, Any]]:
    """The records of a file of simulated requests, as of the time of receipt of each request."""
    by_provider: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with requests.open(encoding="utf-8") as lines:
        for line in lines:
            request = json.loads(line)
            by_provider[_PROVIDERS.get(request["path"].rsplit("/", 1)[-1], "tracker")].append(request)
    for provider, found in by_provider.items():
        for start in range(0, len(found), _BODIES_AT_ONCE):
            yield from _flatten(work, provider, found[start : start + _BODIES_AT_ONCE])


def _flatten(work: Path, provider: str, requests: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    bodies = work / "bodies"
    bodies.mkdir(exist_ok=True)
    mark = bodies / "mark"
    mark.write_text(_MARK, encoding="utf-8")
    files: list[Path] = []
    for number, request in enumerate(requests):
        path = bodies / str(number)
        path.write_text(request["body"], encoding="utf-8")
        files += [path, mark]
    command = [BLUETICK, "flatten", "--provider", provider, "--received-at", str(_RECEIPT), *files]
    said = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8").stdout
    current = 0
    for line in said.splitlines():
        record: dict[str, Any] = json.loads(line)
        if record["table"] == "account_events" and record["payload"] == _MARK:
            current += 1
            continue
        received = requests[current]["received_at"]
        if record["event_ts"] == _RECEIPT:
            record["event_ts"] = received
            record["dt"] = datetime.fromtimestamp(received / 1000, UTC).strftime("%Y-%m-%d")
        record["received_at"] = received
        yield record
    if current != len(requests):
        raise AssertionError(f"{len(requests)} bodies of {provider}, but {current} marks came back")
