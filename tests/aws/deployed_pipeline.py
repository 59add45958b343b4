"""The deployed pipeline as its users see it: webhooks go in over HTTP, rows are read from the lake."""

from __future__ import annotations

import http.client
import io
import os
import subprocess
import time
import uuid
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow.parquet

from binaries import binary
from emulator import REGION, Stack, wait_for
from endpoint import Endpoint
from webhooks import Webhook

# The column that names the message, by table.
ID_COLUMNS = {
    "clicks": "click_id",
    "statuses": "message_id",
    "sends": "message_id",
    "messages": "message_id",
    "account_events": "event_id",
}
# More than the function may take (its timeout is 10 s), so that the client never gives up first.
CLIENT_TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Answer:
    webhook: Webhook
    status: int
    body: bytes
    seconds: float


@dataclass(frozen=True)
class Tally:
    """What became of webhooks. `lost`: rows of webhooks answered 200 that are not there.

    `doubled`: rows beyond the first.
    """

    webhooks: int
    accepted: int
    unavailable: int
    other: int
    rows: int
    lost: int
    doubled: int

    def __str__(self) -> str:
        return (
            f"webhooks {self.webhooks}, answered 200: {self.accepted}, 503: {self.unavailable}, "
            f"otherwise: {self.other}, "
            f"rows {self.rows}, lost {self.lost}, doubled {self.doubled}"
        )


class Pipeline:
    def __init__(self, stack: Stack, endpoint: Endpoint):
        self.stack = stack
        self.endpoint = endpoint
        self.s3 = stack.s3
        self.raw = stack.outputs["RawBucketName"]
        self.lake = stack.outputs["LakeBucketName"]
        self._sqs = stack.emulator.client("sqs")

    def request(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, bytes]:
        """One request to the HTTP API."""
        connection = http.client.HTTPConnection("127.0.0.1", self.stack.emulator.port, timeout=CLIENT_TIMEOUT_SECONDS)
        try:
            host = f"{self.stack.api_id}.execute-api.localhost:{self.stack.emulator.port}"
            headers = {"Host": host, "Content-Type": "application/json", **headers}
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def send(self, webhook: Webhook) -> Answer:
        start = time.monotonic()
        status, body = self.request("POST", webhook.path, webhook.headers, webhook.body)
        return Answer(webhook, status, body, time.monotonic() - start)

    def send_all(self, webhooks: Iterable[Webhook], at_once: int = 8) -> list[Answer]:
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(self.send, webhooks))

    def restart_ingest(self) -> None:
        """Ends the environments of ingest, so that the next webhook starts a new one."""
        name, client = self._restart("IngestFunction")
        version = client.publish_version(FunctionName=name)["Version"]
        client.update_alias(FunctionName=name, Name="live", FunctionVersion=version)

    def restart_transform(self) -> None:
        """Ends the environments of the transform, so that the next batch starts a new one."""
        self._restart("TransformFunction")

    def _restart(self, function: str) -> tuple[str, Any]:
        name = self.stack.resources[function]
        client = self.stack.emulator.client("lambda")
        variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        variables["RESTARTED"] = str(uuid.uuid4())
        client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
        wait_for(
            "the new configuration",
            lambda: client.get_function_configuration(FunctionName=name)["LastUpdateStatus"] == "Successful",
        )
        return name, client

    def waiting(self, url: str) -> int:
        """Messages in a queue, those being worked on included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(attributes[name]) for name in names)

    def bluetick(self, home: Path, *arguments: str, erasure_key: str | None = None) -> subprocess.CompletedProcess[str]:
        """Runs the command with access to the stack, and with nothing else of this process's environment."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint.url,
            **({"ERASURE_KEY": erasure_key} if erasure_key else {}),
        }
        command = [str(binary("bluetick")), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    def keys(self, bucket: str, prefix: str) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def tables(self) -> Iterable[tuple[str, pyarrow.Table]]:
        """Every part that a manifest names, as any reader of the lake finds it."""
        for key in self.keys(self.lake, "manifest/"):
            table = key.split("/")[1]
            manifest = self.s3.get_object(Bucket=self.lake, Key=key)["Body"].read().decode()
            for uri in manifest.splitlines():
                parts = urlsplit(uri)
                content = self.s3.get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))["Body"].read()
                yield table, pyarrow.parquet.read_table(io.BytesIO(content))

    def rows(self) -> Counter[tuple[str, str]]:
        """How often each row is in the lake, by table and id."""
        found: Counter[tuple[str, str]] = Counter()
        for table, part in self.tables():
            found.update((table, value) for value in part.column(ID_COLUMNS[table]).to_pylist())
        return found

    def measure(self, answers: list[Answer]) -> Tally:
        """Compares the answers with the lake as it is now."""
        promised = {row for answer in answers if answer.status == 200 for row in answer.webhook.rows}
        known = {row for answer in answers for row in answer.webhook.rows}
        rows = {row: count for row, count in self.rows().items() if row in known}
        statuses = Counter(answer.status for answer in answers)
        return Tally(
            webhooks=len(answers),
            accepted=statuses[200],
            unavailable=statuses[503],
            other=len(answers) - statuses[200] - statuses[503],
            rows=len(rows),
            lost=len(promised - rows.keys()),
            doubled=sum(count - 1 for count in rows.values()),
        )

    def drain(self) -> None:
        """Waits until nothing waits for the transform any more."""
        wait_for("an empty queue", lambda: self.waiting(self.stack.outputs["QueueUrl"]) == 0)

    def tally(self, answers: list[Answer]) -> Tally:
        """Compares the answers with the lake once everything that was promised is there, or has had its time."""
        try:
            wait_for("every row", lambda: self.measure(answers).lost == 0)
        except AssertionError:
            return self.measure(answers)
        self.drain()
        return self.measure(answers)
