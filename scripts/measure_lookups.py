#!/usr/bin/env python3
"""Measures the embedded look-up store: latency of look-ups among many messages, and when a webhook is visible.

usage: measure_lookups.py [messages] [seconds]

Prints p50 and p99 in milliseconds. Other load on the machine shows in the figures.
"""

from __future__ import annotations

import http.client
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import local_pipeline
import make_samples

HEADERS = {"Content-Type": "application/json", "X-Webhook-Token": make_samples.SECRETS["TRACKER_TOKENS"]}
BEGIN = 1_790_000_000_000
LOOKUPS = 2_000
WEBHOOKS_A_SECOND = 100
# Each sends every eighth webhook and waits until it is visible.
CONNECTIONS = 8
# The rank of a send that corrects no other (crates/lookups/src/fact.rs).
SEND = 9_999_999_999_998


def rows(messages: int) -> Iterator[tuple[Any, ...]]:
    """Rows of the store's table, as the store writes them."""
    for number in range(messages):
        sent = BEGIN + number * 1_000
        event, template = f"event-{number % 5_000}", f"template-{number % 50}"
        item = {
            "reported_at": sent,
            "sent_at": sent,
            "delivered_at": sent + 5_000,
            "wa_id": f"4915{number % 300_000:08}",
            "template_name": [SEND, template],
            "message_type": [SEND, "rsvp"],
            "event_id": [SEND, event],
            "registration_id": [SEND, f"registration-{number}"],
            "guest_id": [SEND, f"guest-{number % 300_000}"],
            "guest_name": [SEND, "Guest"],
            "standalone": [SEND, False],
            "first_fact_at": sent,
            "last_fact_at": sent + 5_000,
        }
        yield (
            f"wamid.{number:08}", json.dumps(item), sent, f"registration-{number}", event,
            f"guest-{number % 300_000}", item["wa_id"], template, 0, "delivered",
        )  # fmt: skip


def fill(directory: Path, messages: int) -> None:
    with closing(sqlite3.connect(directory / "lookups.sqlite3")) as connection, connection:
        connection.executemany(
            "INSERT INTO messages (message_id, item, sent_at, registration_id, event_id, guest_id, recipient_id,"
            " template_name, standalone, status) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows(messages),
        )


def ask(connection: http.client.HTTPConnection, method: str, path: str, body: Any = None) -> Any:
    connection.request(method, path, None if body is None else json.dumps(body), HEADERS)
    response = connection.getresponse()
    answer = response.read()
    if response.status != 200:
        raise RuntimeError(f"{path} was answered {response.status}: {answer!r}")
    return json.loads(answer)


def timed(count: int, call: Callable[[int], Any]) -> str:
    times = []
    for number in range(count):
        start = time.perf_counter()
        call(number)
        times.append(time.perf_counter() - start)
    return percentiles(times)


def percentiles(times: list[float]) -> str:
    times = sorted(times)
    p50, p99 = (times[(len(times) * part + 99) // 100 - 1] * 1e3 for part in (50, 99))
    return f"p50 {p50:.2f} ms, p99 {p99:.2f} ms of {len(times)}"


def latency(port: int, messages: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    spread = [number * 7_919 % messages for number in range(LOOKUPS)]
    logs, lookup = "/api/webhooks/message-logs/", "/api/webhooks/message-status-lookup/"
    one = timed(LOOKUPS, lambda n: ask(connection, "POST", lookup, {"wamids": [f"wamid.{spread[n]:08}"]}))
    print(f"status of one message: {one}")
    batch = timed(
        200, lambda n: ask(connection, "POST", lookup, {"wamids": [f"wamid.{i:08}" for i in spread[n:][:50]]})
    )
    print(f"status of 50 messages: {batch}")
    for title, query, limit in [
        ("latest of a registration", "latest/?registration_id=registration-{}", messages),
        ("50 newest of an event", "?event_id=event-{}", 5_000),
        ("50 newest of a number", "?recipient_id=4915{:08}", 300_000),
    ]:
        paths = [logs + query.format(number % limit) for number in spread]
        print(f"{title}: {timed(500, lambda n, paths=paths: ask(connection, 'GET', paths[n]))}")
    print(f"50 newest of all: {timed(500, lambda n: ask(connection, 'GET', logs))}")


def visible(connections: tuple[http.client.HTTPConnection, ...], wamid: str) -> tuple[float, float]:
    """Posts a webhook; the seconds until its answer, and from there until a look-up shows it."""
    webhook, asker = connections
    status = {"wamid": wamid, "recipient_id": "1", "status": "sent", "timestamp": 1_791_000_000}
    posted = time.perf_counter()
    ask(webhook, "POST", "/api/webhooks/message-status/", status)
    answered = time.perf_counter()
    while wamid not in ask(asker, "POST", "/api/webhooks/message-status-lookup/", {"wamids": [wamid]})["statuses"]:
        if time.perf_counter() - answered > 10:
            raise RuntimeError(f"{wamid} is not visible after 10 s")
    return answered - posted, time.perf_counter() - answered


def freshness(port: int, seconds: int) -> None:
    """Webhooks at a fixed rate over several connections: how long each takes, and until it is visible."""
    begin = time.perf_counter()

    def share(first: int) -> list[tuple[float, float]]:
        connections = tuple(http.client.HTTPConnection("127.0.0.1", port) for _ in range(2))
        measured = []
        for number in range(first, seconds * WEBHOOKS_A_SECOND, CONNECTIONS):
            time.sleep(max(0.0, begin + number / WEBHOOKS_A_SECOND - time.perf_counter()))
            measured.append(visible(connections, f"wamid.fresh{number}"))
        return measured

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        measured = [times for share_of_one in pool.map(share, range(CONNECTIONS)) for times in share_of_one]
    rate = len(measured) / (time.perf_counter() - begin)
    answers, waits = ([times[part] for times in measured] for part in (0, 1))
    print(
        f"{rate:.0f} webhooks a second; answered: {percentiles(answers)}; "
        f"visible after the answer: {percentiles(waits)}"
    )


def main() -> None:
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        address = ("--lookups", (directory / "lookups").as_uri())
        with local_pipeline.server(directory / "raw", *address) as port:
            pass
        fill(directory / "lookups", messages)
        size = (directory / "lookups" / "lookups.sqlite3").stat().st_size
        print(f"{messages} messages, {size / 2**20:.0f} MiB")
        with local_pipeline.server(directory / "raw", *address) as port:
            latency(port, messages)
            freshness(port, seconds)


if __name__ == "__main__":
    main()
