"""What the engine makes of a manifest: the facts on which the lake's layout rests, the smallest case of each."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from trino.exceptions import TrinoExternalError

from bluetick_sql.statements import Settings
from bluetick_sql.trino_client import TrinoEngine
from lake_writer import at, write_manifest, write_part
from trino_server import TrinoServer

DAY = "2025-06-10"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One partition: two parts that the manifest names, and one beside them that it does not."""
    root = tmp_path_factory.mktemp("manifest")
    parts = [write_part(root, "statuses", DAY, [_row(name)]) for name in ("a", "b", "orphan")]
    write_manifest(root, "statuses", DAY, parts[:2])
    return root


@pytest.fixture(scope="module")
def engine(trino: TrinoServer, lake: Path) -> TrinoEngine:
    return trino.database(lake, Settings("manifest"))


def _row(message: str) -> dict[str, Any]:
    return {
        "message_id": message,
        "status": "sent",
        "provider": "meta",
        "event_ts": at(f"{DAY} 10:00:00"),
        "received_at": at(f"{DAY} 10:00:00"),
    }


def _messages(engine: TrinoEngine, dt: str = DAY) -> list[str]:
    return [row[0] for row in engine.execute(f"SELECT message_id FROM statuses WHERE dt = '{dt}' ORDER BY 1")[1]]


def test_only_what_the_manifest_names_is_read(engine: TrinoEngine) -> None:
    assert _messages(engine) == ["a", "b"]


def test_a_day_without_a_manifest_has_no_rows(engine: TrinoEngine) -> None:
    assert _messages(engine, "2025-06-11") == []


@pytest.mark.parametrize(
    ("name", "seen"), [(".staged", ["a", "b"]), ("_staged", ["a", "b"]), ("symlink.txt#1", ["a", "a", "b", "b"])]
)
def test_every_file_of_the_folder_is_a_manifest_unless_hidden(
    engine: TrinoEngine, lake: Path, name: str, seen: list[str]
) -> None:
    """So a new manifest must not be staged in the folder of the old one under a name that is not hidden."""
    manifest = lake / "manifest" / "statuses" / f"dt={DAY}" / "symlink.txt"
    staged = manifest.with_name(name)
    shutil.copy(manifest, staged)
    try:
        assert _messages(engine) == seen
    finally:
        staged.unlink()


def test_a_name_is_taken_as_it_stands(engine: TrinoEngine, lake: Path) -> None:
    """Percent-encoding is not undone: `dt%3D…` is another folder than `dt=…`."""
    _with_manifest(lake, lambda text: text.replace("dt=", "dt%3D"), lambda: _is_refused(engine))


def test_a_missing_file_is_an_error(engine: TrinoEngine, lake: Path) -> None:
    """So files that a manifest named are kept for a while after it names them no more."""
    _with_manifest(lake, lambda text: text.replace(".parquet", ".gone"), lambda: _is_refused(engine))


def _is_refused(engine: TrinoEngine) -> None:
    with pytest.raises(TrinoExternalError):
        _messages(engine)


def _with_manifest(lake: Path, change: Callable[[str], str], check: Callable[[], object]) -> None:
    manifest = lake / "manifest" / "statuses" / f"dt={DAY}" / "symlink.txt"
    before = manifest.read_text(encoding="utf-8")
    manifest.write_text(change(before), encoding="utf-8")
    try:
        check()
    finally:
        manifest.write_text(before, encoding="utf-8")
