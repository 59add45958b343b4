"""A lake on S3, read by DuckDB through boto3: credentials, region and endpoint are those of boto3's usual chain.

Only this module needs boto3 and fsspec. DuckDB reads S3 by an extension that its package for Python does not contain;
it also takes a file system of fsspec, which `_PartFiles` is.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

from .lake import LakeError
from .reach import EVERYTHING, Reach

# Requests at the same time: most of a small read is waiting.
_AT_ONCE = 16
# The footer of a part is nearly always within this much of its end, and many parts are no longer than that.
_TAIL_BYTES = 64 * 1024
_READ_AHEAD_BYTES = 1024 * 1024


class S3Lake:
    """A lake at `s3://bucket` or `s3://bucket/prefix`, as `Lake` describes it."""

    def __init__(self, url: str, client: Any | None = None) -> None:
        """`client` is an S3 client, for tests; by default boto3 makes one. Raises LakeError if it cannot."""
        bucket, _, prefix = url.removeprefix("s3://").strip("/").partition("/")
        if not bucket:
            raise LakeError(f"the lake is {url!r}: give a URL such as s3://bucket")
        self.url = url.rstrip("/")
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        with _faults(self.url):
            self._client = client or _client()
            if not self._keys("manifest/", limit=1):
                raise LakeError(f"{self.url} holds no lake: there is no object under manifest/")
        self._parts = _PartFiles(self._client)

    def attach(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Lets DuckDB read parts by their URLs."""
        connection.register_filesystem(self._parts)

    def files(self, table: str, reach: Reach = EVERYTHING) -> list[str]:
        """As `Lake.files`. Raises LakeError if S3 refuses, or for a URI of another scheme than `s3`."""
        with _faults(self.url), ThreadPoolExecutor(_AT_ONCE) as pool:
            keys = self._of_days(f"manifest/{table}/", r"symlink\.txt", reach)
            found = [uri for uris in pool.map(self._manifest, keys) for uri in uris]
            # DuckDB asks for one footer after the other.
            list(pool.map(self._parts.tail, found))
        return found

    def objects(self, folder: str, reach: Reach = EVERYTHING) -> list[str]:
        """As `Lake.objects`."""
        with _faults(self.url):
            keys = self._of_days(f"{folder}/", r"[^/]+\.ndjson", reach)
        return [f"s3://{self._bucket}/{key}" for key in keys]

    def _of_days(self, folder: str, name: str, reach: Reach) -> list[str]:
        """The keys such as `<folder>dt=2026-11-20/<name>`. The lake writes no other keys, so an object that lies deeper
        or under an empty segment is not a part of it.
        """
        form = re.compile(rf"{re.escape(self._prefix + folder)}dt=(\d{{4}}-\d\d-\d\d)/{name}", re.ASCII)
        found = ((key, form.fullmatch(key)) for key in self._keys(folder))
        return [key for key, match in found if match and reach.holds(match[1])]

    def _keys(self, folder: str, limit: int | None = None) -> list[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket,
            Prefix=self._prefix + folder,
            PaginationConfig={"MaxItems": limit} if limit else {},
        )
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def _manifest(self, key: str) -> list[str]:
        try:
            body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read().decode("utf-8")
        except self._client.exceptions.NoSuchKey:
            return []
        uris = [line.strip() for line in body.splitlines() if line.strip()]
        for uri in uris:
            if not uri.startswith("s3://"):
                raise LakeError(f"s3://{self._bucket}/{key} names {uri!r}, which is not on S3")
        return uris


def _client() -> Any:
    import boto3
    from botocore.config import Config

    config = Config(retries={"mode": "standard", "max_attempts": 5}, max_pool_connections=_AT_ONCE)
    return boto3.client("s3", config=config)


@contextmanager
def _faults(url: str) -> Iterator[None]:
    """Turns boto3's errors into a LakeError, which says what to do."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise LakeError(f"{url} cannot be read: {error}; check AWS_PROFILE, AWS_REGION and the lake's URL") from error


@dataclass(frozen=True)
class _Tail:
    """The size of an object in bytes, when it was written, and its last bytes."""

    size: int
    modified: datetime
    content: bytes


class _PartFiles(AbstractFileSystem):
    """The parts of a lake for DuckDB. A part never changes, so its end is read once and kept."""

    protocol = "s3"
    cachable = False

    def __init__(self, client: Any) -> None:
        super().__init__()
        self._client = client
        self._tails: dict[str, _Tail] = {}
        self._lock = threading.Lock()

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        """Size of a part in bytes."""
        path = self._strip_protocol(path)
        return {"name": path, "size": self.tail(path).size, "type": "file"}

    def modified(self, path: str) -> datetime:
        """When a part was written; DuckDB asks before it keeps a footer."""
        return self.tail(path).modified

    def tail(self, path: str) -> _Tail:
        """The end of an object, from S3 the first time."""
        path = self._strip_protocol(path)
        with self._lock:
            known = self._tails.get(path)
        if known is None:
            known = self._read_tail(path)
            with self._lock:
                self._tails[path] = known
        return known

    def _read_tail(self, path: str) -> _Tail:
        bucket, _, key = path.partition("/")
        with _faults(f"s3://{path}"):
            try:
                found = self._client.get_object(Bucket=bucket, Key=key, Range=f"bytes=-{_TAIL_BYTES}")
            except self._client.exceptions.NoSuchKey:
                raise FileNotFoundError(f"s3://{path} was deleted since its manifest was read: ask again") from None
            size = int(found["ContentRange"].rpartition("/")[2]) if "ContentRange" in found else found["ContentLength"]
            return _Tail(size, found["LastModified"], found["Body"].read())

    def read_range(self, path: str, start: int, end: int) -> bytes:
        """The bytes from `start` to before `end`."""
        tail = self.tail(path)
        kept_from = tail.size - len(tail.content)
        if start >= kept_from:
            return tail.content[start - kept_from : end - kept_from]
        bucket, _, key = path.partition("/")
        with _faults(f"s3://{path}"):
            found = self._client.get_object(Bucket=bucket, Key=key, Range=f"bytes={start}-{end - 1}")
            return found["Body"].read()

    def _open(self, path: str, mode: str = "rb", **options: Any) -> _PartFile:
        return _PartFile(self, path, "rb", block_size=_READ_AHEAD_BYTES, cache_type="readahead")


class _PartFile(AbstractBufferedFile):
    """One open part."""

    def _fetch_range(self, start: int, end: int) -> bytes:
        return self.fs.read_range(self.path, start, end)
