"""A lake on S3 that DuckDB reads directly: the same answers as from a disk, and no partition outside the window."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from bluetick_sql import s3_lake
from bluetick_sql.duck import DuckEngine
from bluetick_sql.lake import LakeError, LocalLake, open_lake
from bluetick_sql.reach import EVERYTHING, Reach, reach_of_query
from bluetick_sql.rows import plain_rows
from bluetick_sql.s3_lake import S3Lake
from bluetick_sql.statements import SQL_ROOT, Settings, bind, find_query
from lake_writer import at, write_lake
from scenario import ROWS, TIMEZONE, WINDOW

SETTINGS = Settings(timezone=TIMEZONE)
FAR_AWAY = "2025-01-01"
URL = "s3://whatsapp/lake"


@dataclass
class Bucket:
    """The scenario's lake with a part of another year, on a disk and on S3."""

    local: LocalLake
    endpoint: str
    client: object
    read: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
        }


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    root = write_lake(tmp_path_factory.mktemp("s3") / "lake", ROWS)
    old = {"message_id": "old", "status": "sent", "event_ts": at(f"{FAR_AWAY} 10:00:00"), "wa_id": "p1"}
    write_lake(root, {"statuses": [old]})
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        region_name="eu-west-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    client.create_bucket(Bucket="whatsapp", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for path in (path for path in root.rglob("*") if path.is_file()):
        body = path.read_bytes()
        if path.name == "symlink.txt":
            body = body.replace(root.resolve().as_uri().encode(), URL.encode())
        client.put_object(Bucket="whatsapp", Key=f"lake/{path.relative_to(root)}", Body=body)
    made = Bucket(LocalLake(root), f"http://{host}:{port}", client)
    client.meta.events.register(
        "provide-client-params.s3.GetObject", lambda params, **_: made.read.append(params["Key"])
    )
    yield made
    server.stop()


def _run(bucket: Bucket, module: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *arguments, "--timezone", TIMEZONE]
    environment = {**bucket.environment, **variables, "PYTHONPATH": str(SQL_ROOT)}
    cwd = variables.get("PWD", str(SQL_ROOT))
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


DAYS = ("--from", WINDOW["from"], "--to", WINDOW["to"])


def test_the_command_answers_as_from_a_disk(bucket: Bucket) -> None:
    answers = []
    for lake in (URL, str(bucket.local.root)):
        done = _run(bucket, "bluetick_sql", "ctr_by_template", *DAYS, "--lake", lake, "--format", "json")
        assert done.returncode == 0, done.stderr
        answers.append(json.loads(done.stdout))
    assert answers[0] == answers[1] != []


def test_the_report_is_that_of_a_disk_and_is_not_written_into_the_lake(bucket: Bucket, tmp_path: Path) -> None:
    pages = []
    for name, lake in (("s3", URL), ("disk", str(bucket.local.root))):
        folder = tmp_path / name
        folder.mkdir()
        more = () if name == "s3" else ("--out", "page.html")
        done = _run(bucket, "bluetick_report", *DAYS, "--lake", lake, *more, PWD=str(folder))
        assert done.returncode == 0, done.stderr
        pages.append((folder / done.stdout.strip()).read_text(encoding="utf-8"))
    assert (tmp_path / "s3" / f"{WINDOW['from']}_{WINDOW['to']}.html").is_file()
    assert pages[0] == pages[1]


@pytest.mark.parametrize("tail", [64 * 1024, 200], ids=["parts-in-one-request", "parts-in-several"])
@pytest.mark.parametrize("name", ["ctr_by_button", "rejected_lines", "message_log"])
def test_only_partitions_that_the_query_can_read_are_read(
    bucket: Bucket, name: str, tail: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_lake, "_TAIL_BYTES", tail)
    statement = find_query(name)
    values = bind(statement, WINDOW)
    reach = reach_of_query(statement, values, SETTINGS)
    bucket.read.clear()
    with DuckEngine(S3Lake(URL, bucket.client), SETTINGS, reach=reach) as engine:
        found = engine.run(statement, values)
    with DuckEngine(bucket.local, SETTINGS) as engine:
        assert plain_rows(found.rows) == plain_rows(engine.run(statement, values).rows) != []
    assert any("/data/" in key for key in bucket.read)
    assert not [key for key in bucket.read if f"dt={FAR_AWAY}" in key]


def test_without_days_every_partition_is_read(bucket: Bucket) -> None:
    bucket.read.clear()
    assert any(f"dt={FAR_AWAY}" in uri for uri in S3Lake(URL, bucket.client).files("statuses"))
    assert [key for key in bucket.read if f"dt={FAR_AWAY}" in key]


def test_objects_under_other_keys_are_no_manifests_and_no_counts(bucket: Bucket) -> None:
    lake = S3Lake(URL, bucket.client)
    before = [lake.files("statuses"), lake.objects("rejections")]
    assert all(before)
    strays = [
        "manifest/statuses//symlink.txt",
        "manifest/statuses/symlink.txt",
        f"manifest/statuses/dt={FAR_AWAY}//symlink.txt",
        f"manifest/statuses/dt={FAR_AWAY}/../symlink.txt",
        f"manifest/statuses/dt={FAR_AWAY}/x/symlink.txt",
        f"manifest/statuses/dt={FAR_AWAY}\t/symlink.txt",
        "manifest/statuses/x/symlink.txt",
        f"rejections//dt={FAR_AWAY}/x.ndjson",
        f"rejections/dt={FAR_AWAY}//x.ndjson",
        "rejections/x.ndjson",
    ]
    for key in strays:
        bucket.client.put_object(Bucket="whatsapp", Key=f"lake/{key}", Body=b"s3://whatsapp/no-part")
    try:
        assert [lake.files("statuses"), lake.objects("rejections")] == before
    finally:
        for key in strays:
            bucket.client.delete_object(Bucket="whatsapp", Key=f"lake/{key}")


def test_a_part_that_was_deleted_is_an_error_that_says_so(bucket: Bucket) -> None:
    lake = S3Lake(URL, bucket.client)
    with pytest.raises(FileNotFoundError, match="was deleted since its manifest was read"):
        lake._parts.tail("s3://whatsapp/lake/data/statuses/gone.parquet")


@pytest.mark.parametrize(
    ("lake", "variables", "reason"),
    [
        ("s3://whatsapp/nothing", {}, "holds no lake"),
        ("s3://no-such-bucket", {}, "NoSuchBucket"),
        ("s3://", {}, "give a URL such as s3://bucket"),
        ("gs://whatsapp", {}, "give a directory or a URL"),
        (URL, {"AWS_PROFILE": "nobody"}, "nobody"),
    ],
)
def test_a_lake_that_cannot_be_read_is_refused_with_its_reason(
    bucket: Bucket, lake: str, variables: dict[str, str], reason: str
) -> None:
    done = _run(bucket, "bluetick_sql", "ctr_total", *DAYS, "--lake", lake, **variables)
    assert done.returncode == 1
    assert reason in done.stderr and "Traceback" not in done.stderr


def test_a_manifest_that_names_a_local_file_is_refused(bucket: Bucket) -> None:
    key = "bad/manifest/clicks/dt=2026-11-10/symlink.txt"
    bucket.client.put_object(Bucket="whatsapp", Key=key, Body=b"file:///tmp/a.parquet\n")
    with pytest.raises(LakeError, match="which is not on S3"):
        S3Lake("s3://whatsapp/bad", bucket.client).files("clicks")


def test_reach_has_no_end_for_look_ups_and_no_limit_without_days(tmp_path: Path) -> None:
    def reach(name: str, **values: str) -> Reach:
        statement = find_query(name)
        return reach_of_query(statement, bind(statement, values), SETTINGS)

    assert reach("message_log") == EVERYTHING
    assert reach("message_log", **WINDOW) == Reach("2026-09-07", None)
    assert reach("ctr_total", **WINDOW) == Reach("2026-09-07", "2026-11-20")
    long = reach_of_query(
        find_query("ctr_total"), [WINDOW["from"], WINDOW["to"], "", ""], Settings(attribution_hours=720)
    )
    assert long.last == "2026-12-13"
    assert Reach("2026-09-07", None).holds("2030-01-01") and not Reach("2026-09-07", None).holds("2026-09-06")
    assert date.fromisoformat(reach("ctr_total", **WINDOW).first) < date.fromisoformat(WINDOW["from"])


def test_a_directory_without_manifests_is_no_lake(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="holds no lake"):
        open_lake(str(tmp_path))
