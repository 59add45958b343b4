"""Reads a lake's manifests: which Parquet files make up each partition now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import duckdb

from .reach import EVERYTHING, Reach

_S3 = "s3://"


class LakeError(RuntimeError):
    """The lake cannot be read as it is: a manifest names something that is no file of it, or S3 refuses."""


class Lake(Protocol):
    """A lake whose files DuckDB can read by the names that `files` and `objects` give."""

    def attach(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Makes the names readable in this connection."""
        ...

    def files(self, table: str, reach: Reach = EVERYTHING) -> list[Path] | list[str]:
        """The files that the manifests of a table name, in the order of their partitions.

        A manifest is read in one go, so each partition is seen as a whole commit left it. A partition without a
        manifest has no rows, and one outside `reach` is left out.
        """
        ...

    def objects(self, folder: str, reach: Reach = EVERYTHING) -> list[Path] | list[str]:
        """The NDJSON objects of a folder that is partitioned by dt, in the order of their names."""
        ...


@dataclass(frozen=True)
class LocalLake:
    """A lake under a directory: `manifest/<table>/dt=<date>/symlink.txt` names the files of each partition."""

    root: Path

    def attach(self, connection: duckdb.DuckDBPyConnection) -> None:
        """DuckDB reads local files without help."""

    @property
    def url(self) -> str:
        """Its URL, without a slash at the end."""
        return self.root.resolve().as_uri()

    def files(self, table: str, reach: Reach = EVERYTHING) -> list[Path]:
        """As `Lake.files`. Raises LakeError for a URI of another scheme than `file`."""
        found: list[Path] = []
        for manifest in sorted((self.root / "manifest" / table).glob("dt=*/symlink.txt")):
            if not reach.holds(manifest.parent.name.removeprefix("dt=")):
                continue
            for line in manifest.read_text(encoding="utf-8").splitlines():
                if line.strip():
                    found.append(_local_path(line.strip(), manifest))
        return found

    def objects(self, folder: str, reach: Reach = EVERYTHING) -> list[Path]:
        """As `Lake.objects`."""
        found = sorted((self.root / folder).glob("dt=*/*.ndjson"))
        return [path for path in found if reach.holds(path.parent.name.removeprefix("dt="))]


def _local_path(uri: str, manifest: Path) -> Path:
    # Trino and Athena take the line as it stands, so nothing is percent-decoded here either.
    if not uri.startswith("file:///"):
        raise LakeError(f"{manifest} names {uri!r}, which is no local file; give the lake's URL on S3 as LAKE")
    return Path(uri.removeprefix("file://"))


def open_lake(place: str) -> Lake:
    """The lake of a directory, or of a URL such as `s3://bucket/prefix`.

    Raises LakeError if there is none, or if S3 cannot be asked for it.
    """
    if place.startswith(_S3):
        try:
            from .s3_lake import S3Lake
        except ImportError as error:
            raise LakeError(f"a lake on S3 needs the package {error.name}: run make .venv/ready") from error
        return S3Lake(place)
    if "://" in place:
        raise LakeError(f"the lake is {place!r}: give a directory or a URL such as s3://bucket")
    root = Path(place)
    if not (root / "manifest").is_dir():
        raise LakeError(f"{root} holds no lake: there is no directory manifest in it")
    return LocalLake(root)


def is_remote(place: str) -> bool:
    """Whether the lake is on S3."""
    return place.startswith(_S3)
