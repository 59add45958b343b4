"""An AWS endpoint for the functions, in front of the emulator: it injects faults, and is a double of Firehose.

Every request goes on to the emulator unless a fault says otherwise. While `Endpoint.firehose` holds a behaviour, calls
of PutRecordBatch are answered here: accepted records are gathered, and `flush` leaves them in the raw bucket as one
gzip object, as Firehose does after its buffering time. The wire format is that of the API reference (JSON 1.1 with
`X-Amz-Target`): docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html.
"""

from __future__ import annotations

import base64
import gzip
import http.client
import io
import json
import re
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from athena_double import Athena

MAX_RECORDS = 500
MAX_RECORD_BYTES = 1_024_000
MAX_CALL_BYTES = 4 * 1024 * 1024
ACCESS_DENIED = b"<Error><Code>AccessDenied</Code><Message>refused by the test</Message></Error>"
PROXIED = re.compile(r"http://(?P<api>[a-z0-9]+)\.execute-api\.localhost:\d+(?P<path>/.*)")
HOP_HEADERS = {"connection", "transfer-encoding", "keep-alive", "content-length"}


class Hang(Exception):
    """No answer until the test ends."""


class Close(Exception):
    """The connection is closed without an answer."""


@dataclass
class Refuse(Exception):
    """An error of the whole call."""

    status: int
    code: str


@dataclass
class Call:
    """A call of PutRecordBatch: its number, from 0, and its records."""

    number: int
    records: list[bytes]
    take: Callable[[bytes], None]
    failed: set[int] = field(default_factory=set)


def accept(call: Call) -> None:
    """Takes every record but those marked as failed."""
    for number, record in enumerate(call.records):
        if number not in call.failed:
            call.take(record)


def throttle(call: Call) -> None:
    raise Refuse(503, "ServiceUnavailableException")


def hang(call: Call) -> None:
    raise Hang


def take_and_hang(call: Call) -> None:
    """The worst: the records are taken, and nobody is told."""
    accept(call)
    raise Hang


def close(call: Call) -> None:
    raise Close


def take_and_close(call: Call) -> None:
    accept(call)
    raise Close


def fail_every_other(call: Call) -> None:
    """Single entries fail: those of even number."""
    call.failed = set(range(0, len(call.records), 2))
    accept(call)


def fail_all(call: Call) -> None:
    call.failed = set(range(len(call.records)))
    accept(call)


def lie(call: Call) -> None:
    """Says that it took what it did not: no service of ours would survive it.

    For the control of the tests themselves.
    """


def sometimes(behaviour: Callable[[Call], None], every: int) -> Callable[[Call], None]:
    """`behaviour` for one call in `every`, and success for the others."""

    def mixed(call: Call) -> None:
        return behaviour(call) if call.number % every == 0 else accept(call)

    return mixed


class Endpoint:
    """The endpoint, serving on loopback until `stop`."""

    def __init__(self, port: int, emulator_port: int):
        self.emulator_port = emulator_port
        self.url = f"http://127.0.0.1:{port}"
        # Answers for Athena; None: the emulator's own.
        self.athena: Athena | None = None
        # How Firehose behaves; None: the emulator's own.
        self.firehose: Callable[[Call], None] | None = None
        # Whether S3 refuses, or does not answer, what goes to the spill.
        self.spill: str = "works"
        # Whether the archive of bodies works: its delivery stream, which `firehose` does not touch, and its spill.
        self.archive: str = "works"
        # How DynamoDB behaves: works, throttled, denied, hangs, or does what it is told and closes the connection.
        self.dynamodb: str = "works"
        self.calls = 0
        self.entries_failed = 0
        self.spilled = 0
        self.violations: list[str] = []
        self._buffer: list[bytes] = []
        self._lock = threading.Lock()
        self._released = threading.Event()
        endpoint = self

        class Handler(_Handler):
            owner = endpoint

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self._server = Server(("127.0.0.1", port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def behave(
        self,
        firehose: Callable[[Call], None] | None,
        spill: str = "works",
        dynamodb: str = "works",
        archive: str = "works",
    ) -> None:
        """Sets the faults and counts from 0 again. Requests that hang from before are let go."""
        self._released.set()
        with self._lock:
            self._released = threading.Event()
            self.firehose, self.spill, self.dynamodb, self.archive = firehose, spill, dynamodb, archive
            self.calls = self.entries_failed = self.spilled = 0

    def take(self, records: list[bytes]) -> None:
        """Records that come from elsewhere."""
        with self._lock:
            self._buffer += records

    def taken(self) -> list[bytes]:
        """The records that were taken since the last flush, which forgets them."""
        with self._lock:
            records, self._buffer = self._buffer, []
        return records

    def flush(self, s3, bucket: str) -> int:
        """Leaves what was taken as one raw object, as Firehose does; returns the number of its records."""
        records = self.taken()
        if records:
            s3.put_object(
                Bucket=bucket,
                Key=f"raw/2026/01/01/00/bluetick-test-1-2026-01-01-00-00-00-{uuid.uuid4()}.gz",
                Body=gzip.compress(b"".join(records)),
                ContentEncoding="gzip",
                ContentType="application/octet-stream",
            )
        return len(records)

    def stop(self) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    def put_record_batch(self, body: bytes) -> dict:
        """Answers one call, or raises what happens instead."""
        request = json.loads(body)
        records = [base64.b64decode(record["Data"], validate=True) for record in request["Records"]]
        self._check_limits(records)
        taken: list[bytes] = []
        with self._lock:
            call = Call(self.calls, records, taken.append)
            self.calls += 1
            behaviour = self.firehose or accept
        try:
            behaviour(call)
        finally:
            with self._lock:
                self._buffer += taken
                self.entries_failed += len(call.failed)
        failure = {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "slow down"}
        return {
            "FailedPutCount": len(call.failed),
            "Encrypted": False,
            "RequestResponses": [
                failure if number in call.failed else {"RecordId": str(uuid.uuid4())} for number in range(len(records))
            ],
        }

    def _check_limits(self, records: list[bytes]) -> None:
        """A call over the service's limits is refused, and told to the test."""
        problem = None
        if not 1 <= len(records) <= MAX_RECORDS:
            problem = f"{len(records)} records in a call"
        elif max(map(len, records)) > MAX_RECORD_BYTES:
            problem = f"a record of {max(map(len, records))} bytes"
        elif sum(map(len, records)) > MAX_CALL_BYTES:
            problem = f"a call of {sum(map(len, records))} bytes"
        elif not all(record.endswith(b"\n") for record in records):
            problem = "a record that does not end its line"
        if problem:
            self.violations.append(problem)
            raise Refuse(400, "InvalidArgumentException")

    def wait_released(self) -> None:
        self._released.wait()


class _Handler(BaseHTTPRequestHandler):
    owner: Endpoint
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (the name of the base class)
        """Silence: the test's own output is what counts."""

    def handle_any(self) -> None:
        body = self._read_body()
        if match := PROXIED.match(self.path):
            # The client uses this endpoint as its proxy, because names under .localhost do not resolve everywhere. The
            # emulator answers /health of every host itself, but not at this path.
            self.path = f"/_aws/execute-api/{match['api']}/$default{match['path']}"
            del self.headers["Host"]
            self.headers["Host"] = "localhost"
        try:
            is_put = self.headers.get("X-Amz-Target", "").endswith(".PutRecordBatch")
            if is_put and "Archive" in json.loads(body)["DeliveryStreamName"]:
                self._archive(body, Refuse(400, "AccessDeniedException"))
            elif self.owner.firehose and is_put:
                self._answer(200, json.dumps(self.owner.put_record_batch(body)).encode(), "application/x-amz-json-1.1")
            elif self.owner.athena and self.headers.get("X-Amz-Target", "").startswith("AmazonAthena."):
                status, document = self.owner.athena.answer(self.headers["X-Amz-Target"], body)
                self._answer(status, json.dumps(document).encode(), "application/x-amz-json-1.1")
            elif self.headers.get("X-Amz-Target", "").startswith("DynamoDB_20120810."):
                self._dynamodb(body)
            elif self.command == "PUT" and "/raw/spill/" in self.path:
                self._spill(body)
            elif self.command == "PUT" and "/archive/spill/" in self.path:
                self._archive(body, Refuse(403, "AccessDenied"))
            elif self.command == "PUT" and "/manifest/" in self.path and not self._is_conditional():
                self.owner.violations.append(f"an unconditional write of {self.path}")
                self._answer(403, ACCESS_DENIED, "application/xml")
            else:
                self._pass_on(body)
        except Refuse as refusal:
            document = json.dumps({"__type": refusal.code, "message": "refused by the test"}).encode()
            self._answer(refusal.status, document, "application/x-amz-json-1.1")
        except Hang:
            self.owner.wait_released()
            self.close_connection = True
        except (Close, ConnectionError):
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_any

    def _is_conditional(self) -> bool:
        """What the lake bucket's policy demands of a manifest."""
        return "If-Match" in self.headers or "If-None-Match" in self.headers

    def _spill(self, body: bytes) -> None:
        if self.owner.spill == "hangs":
            raise Hang
        if self.owner.spill == "denied":
            return self._answer(403, ACCESS_DENIED, "application/xml")
        self.owner.spilled += 1
        return self._pass_on(body)

    def _archive(self, body: bytes, refusal: Refuse) -> None:
        if self.owner.archive == "hangs":
            raise Hang
        if self.owner.archive == "denied":
            raise refusal
        return self._pass_on(body)

    def _dynamodb(self, body: bytes) -> None:
        """The errors are those of docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html."""
        behaviour = self.owner.dynamodb
        if behaviour == "throttled":
            raise Refuse(400, "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException")
        if behaviour == "denied":
            raise Refuse(400, "com.amazon.coral.service#AccessDeniedException")
        if behaviour == "hangs":
            raise Hang
        if behaviour == "answers are lost":
            self.wfile = io.BytesIO()
            self._pass_on(body)
            raise Close
        return self._pass_on(body)

    def _read_body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _pass_on(self, body: bytes) -> None:
        emulator = http.client.HTTPConnection("127.0.0.1", self.owner.emulator_port, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_HEADERS}
        emulator.request(self.command, self.path, body=body, headers=headers)
        answer = emulator.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_HEADERS | {"date", "server"}:
                self.send_header(name, value)
        length = answer.headers.get("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        emulator.close()

    def _answer(self, status: int, document: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(document)))
        self.end_headers()
        self.wfile.write(document)
