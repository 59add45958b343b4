"""Ten thousand webhooks at once, with a flood of bad requests beside them: none lost, none doubled, memory bounded."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
from collections import Counter
from pathlib import Path

import pyarrow.parquet

import lake_reader
import local_pipeline
import make_samples

WEBHOOKS = 10_000
# A hundred bodies of the largest size at once would be 300 MB; everything else is small.
RESIDENT_KIB = 512 * 1024


def webhook(number: int) -> bytes:
    status = make_samples.status(f"LOAD{number}", "delivered", number % 3_600, make_samples.ANNA)
    return make_samples.as_meta_sends(make_samples.meta({"statuses": [status]}))


def request(body: bytes, headers: dict[str, str], length: int | None = None) -> bytes:
    lines = [
        f"POST {make_samples.ROUTES['meta']} HTTP/1.1",
        "Host: localhost",
        "Connection: close",
        f"Content-Length: {len(body) if length is None else length}",
    ]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def exchange(port: int, message: bytes, opening: asyncio.Semaphore) -> int:
    """Sends a request; gives the status of the answer, 0 for none.

    `opening` bounds how many connections wait for their request to be sent: the server closes such a connection after
    ten seconds, and a busy machine needs longer than that to open ten thousand.
    """
    async with opening:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(message)
    try:
        await writer.drain()
        line = await reader.readline()
        return int(line.split()[1]) if line else 0
    except ConnectionError:
        return 0
    finally:
        writer.close()


async def never_finish(port: int, start: bytes, done: asyncio.Event) -> None:
    """A sender that begins a request and leaves it at that."""
    _reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(start)
        await done.wait()
    finally:
        writer.close()


async def load(port: int) -> tuple[Counter, Counter]:
    good = [webhook(number) for number in range(WEBHOOKS)]
    signed = [request(body, make_samples.signed_headers("meta", body)) for body in good]
    done, opening = asyncio.Event(), asyncio.Semaphore(500)
    slow = [
        asyncio.create_task(never_finish(port, start, done))
        for start in [b"POST /webhooks/meta HT", request(b"{", {}, length=3_000_000)] * 100
    ]
    large = b"x" * (4 * 1024 * 1024)
    flood = [request(body, {"X-Hub-Signature-256": "sha256=" + "0" * 64}) for body in good[:1_000]]
    flood += [request(b"", {}, length=len(large))] * 100 + [b"\x16\x03\x01 no HTTP at all\r\n\r\n"] * 100
    flood += [request(large, {})] * 20
    bad = [asyncio.create_task(exchange(port, message, opening)) for message in flood]
    answers = await asyncio.gather(*(exchange(port, message, opening) for message in signed))
    refused = await asyncio.gather(*bad)
    done.set()
    await asyncio.gather(*slow)
    return Counter(answers), Counter(refused)


def high_water_mark(name: str) -> int:
    """Most resident memory so far, in KiB, of the one process of this name that this process started."""
    [pid] = subprocess.run(
        ["pgrep", "-P", str(os.getpid()), "-x", name], check=True, capture_output=True, text=True
    ).stdout.split()
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1])


def test_ten_thousand_webhooks_at_once(tmp_path: Path) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with local_pipeline.server(tmp_path / "raw") as port:
        answers, refused = asyncio.run(load(port))
        resident = high_water_mark("bluetick")
    print(f"{dict(answers)}; bad requests: {dict(refused)}; {resident / 1024:.0f} MiB resident")
    assert answers == {200: WEBHOOKS}
    assert set(refused) <= {0, 400, 401, 413} and refused[401] == 1_000 and refused[413] >= 100
    assert resident < RESIDENT_KIB

    report = local_pipeline.run(tmp_path / "raw", tmp_path / "lake")
    assert (report["new"], report["duplicates"]) == (WEBHOOKS, 0)
    ids = [
        value
        for part in lake_reader.parts(tmp_path / "lake", "statuses")
        for value in pyarrow.parquet.ParquetFile(part).read(columns=["message_id"]).column(0).to_pylist()
    ]
    assert sorted(ids) == sorted(f"wamid.LOAD{number}" for number in range(WEBHOOKS))
