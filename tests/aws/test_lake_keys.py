"""Objects in the lake's bucket whose keys `object_store` cannot name: they stop nothing, and are kept and reported."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import endpoint as faults
from bluetick_sql.lake import LakeError
from bluetick_sql.s3_lake import S3Lake
from deployed_pipeline import Pipeline
from deployment import ERASURE_KEY
from webhooks import meta_click, webhooks

PART = "01987654-0000-7000-8000-000000000000.parquet"
# Each key with the text that stands for it in a log line.
UNDER_DATA = {
    f"data/clicks//dt=2026-01-01/{PART}": None,
    f"data/clicks/dt=2026-01-01/../{PART}": None,
    "data/./x": None,
    "data/..": None,
    f"data/clicks/dt=2026-01-01/{PART}/": None,
    "data/clicks/dt=2026-01-01/tab\tand\x01\x7f.parquet": r"data/clicks/dt=2026-01-01/tab\tand\u{1}\u{7f}.parquet",
    "data/clicks/dt=2026-01-01/line\nend.parquet": r"data/clicks/dt=2026-01-01/line\nend.parquet",
}
UNDER_MANIFEST = [
    "manifest/../x",
    "manifest/clicks//symlink.txt",
    "manifest/clicks//dt=2025-10-09/symlink.txt",
    "manifest/clicks/dt=2025-10-09//symlink.txt",
    "manifest/clicks/dt=2025-10-09/../symlink.txt",
    "manifest/clicks/dt=2025-10-09/symlink.txt/",
]
# An empty object that the S3 console creates as a folder.
FOLDER_MARKER = "data/clicks/"


def bluetick(pipeline: Pipeline, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # The stack's key: a test that erased before has left a list of erasures.
    lake = f"s3://{pipeline.lake}"
    return pipeline.bluetick(home, *arguments, "--lake", lake, "--json", erasure_key=ERASURE_KEY)


def put(pipeline: Pipeline, key: str) -> None:
    pipeline.s3.put_object(Bucket=pipeline.lake, Key=key, Body=key.encode() if key != FOLDER_MARKER else b"")


@pytest.fixture(scope="module")
def strays(pipeline: Pipeline) -> Iterator[list[str]]:
    """Objects under `data/` that are not of the lake. The test of the manifests adds more."""
    keys = [*UNDER_DATA, FOLDER_MARKER]
    for key in keys:
        put(pipeline, key)
    yield keys
    for key in [*keys, *UNDER_MANIFEST]:
        pipeline.s3.delete_object(Bucket=pipeline.lake, Key=key)


def check_kept(pipeline: Pipeline, keys: list[str]) -> None:
    assert set(keys) <= {*pipeline.keys(pipeline.lake, "data/"), *pipeline.keys(pipeline.lake, "manifest/")}
    for key in keys:
        content = pipeline.s3.get_object(Bucket=pipeline.lake, Key=key)["Body"].read()
        assert content == (b"" if key == FOLDER_MARKER else key.encode()), key


def test_the_functions_work_beside_such_keys(pipeline: Pipeline, strays: list[str]) -> None:
    # A new stack on a busy machine may refuse some webhooks; only those that it accepted are promised.
    tally = pipeline.tally(pipeline.send_all(webhooks("beside-stray-keys", 8), at_once=2))
    print(f"beside {len(strays)} stray objects: {tally}")
    assert tally.accepted and (tally.lost, tally.doubled) == (0, 0)
    answer = pipeline.stack.emulator.client("lambda").invoke(
        FunctionName=pipeline.stack.resources["SweepFunction"], Payload=b"{}"
    )
    assert answer["StatusCode"] == 200 and "FunctionError" not in answer, answer["Payload"].read()
    check_kept(pipeline, strays)


def test_the_commands_work_and_report_each_key_once(pipeline: Pipeline, strays: list[str], tmp_path: Path) -> None:
    pipeline.endpoint.behave(faults.accept)
    (answer,) = pipeline.send_all([meta_click("wamid.stray-keys")])
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "records.ndjson").write_bytes(b"".join(pipeline.endpoint.taken()))
    pipeline.endpoint.behave(None)
    before = pipeline.rows()
    for command in [
        ("run", "--raw", raw.as_uri()),
        ("sweep",),
        ("sweep", "--dry-run"),
        ("repair",),
        ("manifests", "rewrite", "--from", f"s3://{pipeline.lake}"),
        ("erase", "--wa-id", "15559999999"),
        ("erase", "--again"),
        ("erase", "--wa-id", "15559999999", "--status"),
        ("verify",),
    ]:
        done = bluetick(pipeline, tmp_path, *command)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        for key, shown in UNDER_DATA.items():
            count = done.stderr.count(f'"{shown or key}"')
            assert count == 1 if command[0] in ("sweep", "repair", "verify") else count <= 1, (
                command,
                key,
                done.stderr,
            )
        assert f'"{FOLDER_MARKER}"' not in done.stderr
    report = json.loads(done.stdout)
    assert report["ignored"] == sorted(shown or key for key, shown in UNDER_DATA.items())
    assert pipeline.rows() == before + Counter(answer.webhook.rows)
    check_kept(pipeline, strays)


def test_verify_names_such_keys_among_the_manifests_and_no_reader_of_bluetick_takes_them_for_manifests(
    pipeline: Pipeline, strays: list[str], tmp_path: Path
) -> None:
    files = S3Lake(f"s3://{pipeline.lake}", pipeline.s3).files("clicks")
    assert files
    for key in UNDER_MANIFEST:
        put(pipeline, key)
    assert S3Lake(f"s3://{pipeline.lake}", pipeline.s3).files("clicks") == files
    assert bluetick(pipeline, tmp_path, "sweep").returncode == 0
    done = bluetick(pipeline, tmp_path, "verify")
    assert done.returncode == 1, done.stderr
    problems = json.loads(done.stdout)["problems"]
    assert len(problems) == len(UNDER_MANIFEST)
    assert all(any(f": {key}: " in problem for problem in problems) for key in UNDER_MANIFEST)
    check_kept(pipeline, [*strays, *UNDER_MANIFEST])
    # The control: under the key of a manifest such a text is read, and refused.
    control = "manifest/clicks/dt=2020-01-01/symlink.txt"
    put(pipeline, control)
    try:
        with pytest.raises(LakeError, match="is not on S3"):
            S3Lake(f"s3://{pipeline.lake}", pipeline.s3).files("clicks")
    finally:
        pipeline.s3.delete_object(Bucket=pipeline.lake, Key=control)
