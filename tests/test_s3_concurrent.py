"""Two processes commit overlapping objects to one lake on S3 while a third reads: no repeat, no gap, no error.

The S3 is moto's server: an implementation independent of ours that honours If-Match and If-None-Match on PutObject.
"""

from __future__ import annotations

import io
import json
import logging
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pyarrow.parquet
import pytest
from moto.server import ThreadedMotoServer

import lake_reader
import local_pipeline
import raw_objects

BUCKET = "lake"
COMMITS = 1_000
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
KEYS = {
    "clicks": ("click_id", "event_ts"),
    "statuses": ("message_id", "status", "event_ts", "participant"),
    "messages": ("message_id", "event_ts"),
    "sends": ("message_id",),
}


@pytest.fixture
def endpoint():
    # A line for each of 25,000 requests costs time and hides what failed.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def client(endpoint: str):
    return boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )


class Reader:
    """Reads the whole lake again and again, as a query would: the manifests first, then the files that they name."""

    def __init__(self, endpoint: str) -> None:
        self.s3 = client(endpoint)
        self.passes = 0
        self.counts: dict[str, int] = {}
        self.files: dict[str, list[tuple]] = {}

    def read(self) -> dict[str, int]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="manifest/")
        manifests = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
        named = {key: self.get(key).decode().splitlines() for key in manifests}
        counts: dict[str, int] = {}
        for key, uris in named.items():
            table = key.split("/")[1]
            keys = [row for uri in uris for row in self.keys(table, uri)]
            assert len(keys) == len(set(keys)), f"{key} shows a row twice"
            counts[key] = len(keys)
        for key, before in self.counts.items():
            assert counts.get(key, 0) >= before, f"{key} lost rows: {before}, then {counts.get(key)}"
        self.counts, self.passes = counts, self.passes + 1
        return counts

    def get(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()

    def keys(self, table: str, uri: str) -> list[tuple]:
        """The keys of a file's rows. Files never change, so each is read once."""
        if uri not in self.files:
            content = self.get(uri.removeprefix(f"s3://{BUCKET}/"))
            read = pyarrow.parquet.ParquetFile(io.BytesIO(content)).read(columns=list(KEYS[table]))
            self.files[uri] = list(zip(*(read.column(name).to_pylist() for name in KEYS[table]), strict=False))
        return self.files[uri]


def test_two_writers_and_a_reader(endpoint: str, tmp_path: Path) -> None:
    client(endpoint).create_bucket(Bucket=BUCKET)
    portions, half = 26, 240
    for number in range(portions):
        # Each portion shares half of its events with the one before, and a twentieth with any.
        raw_objects.write(
            tmp_path / "raw" / f"{number:02}", objects=2, lines=half, days=15, seed=number, first=number * half
        )

    def write(order: list[int]) -> list[dict]:
        reports = []
        for number in order:
            command = [
                str(local_pipeline.BLUETICK),
                "run",
                "--raw",
                (tmp_path / "raw" / f"{number:02}").as_uri(),
                "--lake",
                f"s3://{BUCKET}",
                "--json",
            ]
            done = subprocess.run(
                command,
                env=local_pipeline.environment(AWS_ENDPOINT_URL=endpoint, **CREDENTIALS),
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stderr + done.stdout
            reports.append(json.loads(done.stdout))
        return reports

    reader, stop = Reader(endpoint), threading.Event()

    def read() -> None:
        while not stop.is_set():
            reader.read()

    with ThreadPoolExecutor(3) as pool:
        reading = pool.submit(read)
        # Both write everything, one in the order of the other's neighbours: most portions are new to whoever comes
        # first.
        writing = [pool.submit(write, [number ^ swap for number in range(portions)]) for swap in (0, 1)]
        try:
            reports = [report for writer in writing for report in writer.result()]
        finally:
            stop.set()
        reading.result()
    commits = sum(report["commits"] for report in reports)
    conflicts = sum(report["conflicts"] for report in reports)
    print(
        f"{commits} commits, {conflicts} conflicts, {reader.passes} passes of the reader, {len(reader.files)} files "
        "read"
    )
    assert commits >= COMMITS and conflicts > 0 and reader.passes > 3 and len(reader.files) > 64

    local_pipeline.run(tmp_path / "raw", tmp_path / "undisturbed")
    expected = {table: len(rows) for table, rows in lake_reader.rows(tmp_path / "undisturbed").items() if rows}
    found: dict[str, int] = {}
    for key, count in reader.read().items():
        found[key.split("/")[1]] = found.get(key.split("/")[1], 0) + count
    assert found == expected
    assert sum(found.values()) == sum(report["new"] for report in reports)
