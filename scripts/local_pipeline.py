"""Drives the `bluetick` command: starts the server, posts webhooks, moves raw objects into a lake."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import make_samples
from binaries import binary

BLUETICK = binary("bluetick")

Sample = make_samples.Sample


def all_samples() -> list[Sample]:
    return make_samples.all_samples()


def environment(**more: str) -> dict[str, str]:
    """The environment of a process under test: the documented test secrets and nothing of the caller's settings."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "HOME", "LANG", "TMPDIR", "RUST_BACKTRACE")
    }
    return inherited | make_samples.SECRETS | more


@contextmanager
def server(raw: Path, *arguments: str, **variables: str) -> Iterator[int]:
    """Runs `bluetick serve` with its raw objects at `raw`; gives the port. Stops it gently."""
    command = [str(BLUETICK), "serve", "--listen", "127.0.0.1:0", "--sink", raw.absolute().as_uri(), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment(**variables), text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith("listening on "):
            raise RuntimeError(f"bluetick serve said {line!r}")
        yield int(line.rsplit(":", 1)[1])
    finally:
        process.send_signal(signal.SIGTERM)
        if process.wait(timeout=60) != 0 and sys.exc_info()[0] is None:
            raise RuntimeError(f"bluetick serve ended with {process.returncode}")


def post(port: int, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
    return request(port, "POST", path, headers, body)


def request(port: int, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def post_sample(port: int, sample: Sample) -> int:
    headers = make_samples.signed_headers(sample.route, sample.body)
    return post(port, make_samples.ROUTES[sample.route], headers, sample.body)[0]


def bluetick(*arguments: str | Path, check: bool = True, **variables: str) -> dict[str, Any]:
    """Runs a command that reports JSON."""
    command = [str(BLUETICK), *map(str, arguments), "--json"]
    done = subprocess.run(command, env=environment(**variables), capture_output=True, text=True)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr} {done.stdout}")
    return json.loads(done.stdout)


def run(raw: Path, lake: Path) -> dict[str, Any]:
    """Moves the raw objects at `raw` into the lake at `lake`; gives the report."""
    return bluetick("run", "--raw", raw.absolute().as_uri(), "--lake", lake.absolute().as_uri())
