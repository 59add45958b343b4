"""`bluetick serve` and a server in Node.js: time to the first answer, CPU for a request, memory."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

import raw_lines

NODE = Path(__file__).with_name("ingest.mjs")
SECRET = "test-meta-app-secret"
MIB = 2**20


def status_body(count: int) -> bytes:
    """A body of Meta's with `count` statuses."""
    rng = random.Random(7)
    statuses = [
        {
            "id": raw_lines.wamid(rng),
            "status": "delivered",
            "timestamp": str(1_795_170_000 + number),
            "recipient_id": f"4917{number:08d}",
            "conversation": {"id": f"{rng.getrandbits(128):032x}", "origin": {"type": "marketing"}},
            "pricing": {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "marketing"},
        }
        for number in range(count)
    ]
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "27110000001", "phone_number_id": "106540352242922"},
        "statuses": statuses,
    }
    entry = {"id": "102290129340398", "changes": [{"value": value, "field": "messages"}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}, separators=(",", ":")).encode()


def signature(body: bytes) -> str:
    return "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


class Server:
    """A server under test: started, answering, and measured until it is stopped."""

    def __init__(self, command: list[str], body: bytes) -> None:
        self.body = body
        self.headers = {"X-Hub-Signature-256": signature(body), "Content-Type": "application/json"}
        started = time.monotonic()
        environment = os.environ | {"META_APP_SECRETS": SECRET}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        line = self.process.stdout.readline() if self.process.stdout else ""
        if "http://" not in line:
            sys.exit(f"bench: {command[0]} did not say where it listens, but: {line!r}")
        self.connection = http.client.HTTPConnection("127.0.0.1", int(line.rsplit(":", 1)[1]))
        self.ask("GET", "/health")
        self.ready = time.monotonic() - started
        self.post()
        self.first_answer = time.monotonic() - started
        self.first_peak = self.peak()

    def post(self) -> None:
        self.ask("POST", "/webhooks/meta", self.body, self.headers)

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> None:
        self.connection.request(method, path, body, headers or {})
        answer = self.connection.getresponse()
        answer.read()
        if answer.status != 200:
            sys.exit(f"bench: {self.process.args} answered {answer.status}")

    def cpu(self) -> float:
        """Seconds on a processor so far, of all threads; more precise than the clock ticks of /proc/PID/stat."""
        threads = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text(encoding="utf-8").split()[0]) for thread in threads) / 1e9

    def peak(self) -> int:
        """Largest resident memory so far, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) * 1024

    def stop(self) -> None:
        self.connection.close()
        self.process.terminate()
        self.process.wait()


def lines_in(path: Path) -> int:
    """Lines of a file, or of all files of a directory, decompressed."""
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    contents = [file.read_bytes() for file in files]
    return sum((gzip.decompress(c) if c.startswith(b"\x1f\x8b") else c).count(b"\n") for c in contents)


def measure(bluetick: Path, scratch: Path, rounds: int, requests: int) -> tuple[dict[str, float], dict[str, float]]:
    """Medians of Bluetick and of Node.js, both of which answer a webhook when its lines are on disk.

    `ready` and `first` in ms from the start of the process to the first answer, and to the first answer to a webhook;
    `first_peak` in MiB after that answer; `each` in CPU µs; `peak` in MiB.
    """
    sink, node_sink = scratch / "sink", scratch / "node.ndjson"
    sink.mkdir(exist_ok=True)
    commands = {
        "ours": [str(bluetick), "serve", "--listen", "127.0.0.1:0", "--sink", sink.as_uri()],
        "node": ["node", str(NODE), "serve", str(node_sink)],
    }
    figures: dict[str, list[dict[str, float]]] = {name: [] for name in commands}
    body = status_body(1)
    for _ in range(rounds):
        for name, command in commands.items():
            server = Server(command, body)
            before = server.cpu()
            for _ in range(requests):
                server.post()
            each = (server.cpu() - before) * 1e6 / requests
            figures[name].append(
                {
                    "ready": server.ready * 1e3,
                    "first": server.first_answer * 1e3,
                    "first_peak": server.first_peak / MIB,
                    "each": each,
                    "peak": server.peak() / MIB,
                }
            )
            server.stop()
    if lines_in(sink) != lines_in(node_sink):
        sys.exit(f"bench: servers: lines differ, so no time counts: {lines_in(sink)} and {lines_in(node_sink)}")
    ours, node = (
        {key: statistics.median(round_[key] for round_ in of_server) for key in of_server[0]}
        for of_server in figures.values()
    )
    return ours, node
