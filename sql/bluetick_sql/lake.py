"""Reads a lake's manifests on a local disk: which Parquet files make up each partition now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class LakeError(RuntimeError):
    """The lake cannot be read as it is: a manifest names something that is no local file."""


@dataclass(frozen=True)
class LocalLake:
    """A lake under a directory: `manifest/<table>/dt=<date>/symlink.txt` names the files of each partition."""

    root: Path

    @property
    def url(self) -> str:
        """Its URL, without a slash at the end."""
        return self.root.resolve().as_uri()

    def files(self, table: str) -> list[Path]:
        """The files that the manifests of a table name, in the order of their partitions.

        A manifest is read in one go, so each partition is seen as a whole commit left it. A partition without a
        manifest has no rows. Raises LakeError for a URI of another scheme than `file`.
        """
        found: list[Path] = []
        for manifest in sorted((self.root / "manifest" / table).glob("dt=*/symlink.txt")):
            for line in manifest.read_text(encoding="utf-8").splitlines():
                if line.strip():
                    found.append(_local_path(line.strip(), manifest))
        return found

    def objects(self, folder: str) -> list[Path]:
        """The NDJSON objects of a folder that is partitioned by dt, in the order of their names."""
        return sorted((self.root / folder).glob("dt=*/*.ndjson"))


def _local_path(uri: str, manifest: Path) -> Path:
    # Trino and Athena take the line as it stands, so nothing is percent-decoded here either.
    if not uri.startswith("file:///"):
        raise LakeError(f"{manifest} names {uri!r}, which is no local file; use ENGINE=athena for a lake on S3")
    return Path(uri.removeprefix("file://"))
