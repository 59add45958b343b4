"""A lake is moved to another bucket, as docs/operations.md says, with a profile as the only credentials."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from binaries import binary
from deployed_pipeline import Pipeline
from deployment import ERASURE_KEY
from emulator import REGION, load_template, wait_for
from webhooks import webhooks

REPLICA = "replica-of-the-lake"
STANDBY = "lake-of-the-standby"


@pytest.fixture
def operator(pipeline: Pipeline, tmp_path: Path) -> dict[str, str]:
    """The environment of an operator: a profile in a home, a region, and the emulator in place of AWS."""
    (tmp_path / ".aws").mkdir()
    keys = "aws_access_key_id = test\naws_secret_access_key = test\n"
    (tmp_path / ".aws" / "credentials").write_text(f"[operator]\n{keys}")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_PROFILE": "operator",
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": pipeline.endpoint.url,
        "ERASURE_KEY": ERASURE_KEY,
    }


def bluetick(operator: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(binary("bluetick")), *arguments]
    return subprocess.run(command, env=operator, capture_output=True, text=True, check=False)


def test_a_lake_is_moved_and_verified_with_the_credentials_of_a_profile(
    pipeline: Pipeline, operator: dict[str, str]
) -> None:
    answers = pipeline.send_all(webhooks("moved", 12))
    assert pipeline.tally(answers).lost == 0
    pipeline.s3.create_bucket(Bucket=REPLICA, CreateBucketConfiguration={"LocationConstraint": REGION})
    for key in pipeline.keys(pipeline.lake, ""):
        if not key.startswith(("manifest/", "sweep/")):
            pipeline.s3.copy_object(Bucket=REPLICA, Key=key, CopySource=f"{pipeline.lake}/{key}")
    old, new = f"s3://{pipeline.lake}", f"s3://{REPLICA}"
    moved = bluetick(operator, "manifests", "rewrite", "--from", old, "--read-old", "--lake", new)
    assert moved.returncode == 0, moved.stdout + moved.stderr
    verified = bluetick(operator, "verify", "--lake", new)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    before = pipeline.rows()
    pipeline.lake = REPLICA
    try:
        assert pipeline.rows() == before
        assert before
    finally:
        pipeline.lake = old.removeprefix("s3://")
    again = bluetick(operator, "manifests", "rewrite", "--from", old, "--read-old", "--lake", new, "--json")
    assert again.returncode == 0
    assert '"rewritten":0' in again.stdout.replace(" ", "")


def resolved(value: Any, names: dict[str, str]) -> Any:
    """A value of the template, for a stack with a replica and without keys."""
    match value:
        case {"Fn::If": ["HasReplica", found, _]}:
            return resolved(found, names)
        case {"Fn::If": ["ReplicateWithKey", _, _]}:
            return None
        case {"Ref": str(name)}:
            return names[name]
        case {"Fn::GetAtt": [*path]} | {"Fn::GetAtt": str() as path}:
            return names[path if isinstance(path, str) else ".".join(path)]
        case dict():
            found = {name: resolved(item, names) for name, item in value.items()}
            return {name: item for name, item in found.items() if item is not None}
        case list():
            return [resolved(item, names) for item in value]
    return value


def test_a_standby_takes_over_from_the_replica_that_the_template_makes(
    pipeline: Pipeline, operator: dict[str, str], tmp_path: Path
) -> None:
    """The emulator replicates at once, and in the order of the writes; what S3 may do differently is done by hand."""
    s3, old, new = pipeline.s3, f"s3://{pipeline.lake}", f"s3://{STANDBY}"
    s3.create_bucket(Bucket=STANDBY, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=STANDBY, VersioningConfiguration={"Status": "Enabled"})
    rule = load_template()["Resources"]["LakeBucket"]["Properties"]["ReplicationConfiguration"]
    names = {"ReplicaBucketArn": f"arn:aws:s3:::{STANDBY}", "ReplicationRole.Arn": "arn:aws:iam::123456789012:role/r"}
    configuration = resolved(rule, names)
    # The API's name of what CloudFormation calls Id.
    configuration["Rules"] = [{"ID": item.pop("Id"), **item} for item in configuration["Rules"]]
    s3.put_bucket_replication(Bucket=pipeline.lake, ReplicationConfiguration=configuration)
    try:
        # What was there before, as docs/operations.md says.
        for key in pipeline.keys(pipeline.lake, ""):
            if not key.startswith(("manifest/", "sweep/")):
                s3.copy_object(Bucket=STANDBY, Key=key, CopySource=f"{pipeline.lake}/{key}")
        first = bluetick(operator, "manifests", "rewrite", "--from", old, "--read-old", "--lake", new)
        assert first.returncode == 0, first.stdout + first.stderr
        answers = pipeline.send_all(webhooks("replicated", 12))
        assert pipeline.tally(answers).lost == 0
        # A file that the sweep deletes goes from the replica, too.
        s3.put_object(Bucket=pipeline.lake, Key="data/clicks/dt=2026-01-01/gone.parquet", Body=b"rows of a person")
        wait_for("the file", lambda: "data/clicks/dt=2026-01-01/gone.parquet" in pipeline.keys(STANDBY, "data/"))
        s3.delete_object(Bucket=pipeline.lake, Key="data/clicks/dt=2026-01-01/gone.parquet")
        wait_for(
            "its deletion", lambda: "data/clicks/dt=2026-01-01/gone.parquet" not in pipeline.keys(STANDBY, "data/")
        )
        before, parts = pipeline.rows(), pipeline.keys(pipeline.lake, "data/")
    finally:
        # The region fails.
        s3.delete_bucket_replication(Bucket=pipeline.lake)
    assert set(parts) <= set(pipeline.keys(STANDBY, "data/"))
    manifest = pipeline.keys(STANDBY, "manifest/")[0]
    named = s3.get_object(Bucket=STANDBY, Key=manifest)["Body"].read().decode()

    # A manifest that came before one of its files: it is left as it is, and the file is named.
    replicated = [
        key
        for key in pipeline.keys(STANDBY, "manifest/")
        if f"{old}/" in s3.get_object(Bucket=STANDBY, Key=key)["Body"].read().decode()
    ]
    assert replicated, f"no manifest was replicated; {manifest} lists {named}"
    listed = s3.get_object(Bucket=STANDBY, Key=replicated[0])["Body"].read().decode().split()[0]
    late = listed.removeprefix(f"{old}/")
    content = s3.get_object(Bucket=STANDBY, Key=late)["Body"].read()
    s3.delete_object(Bucket=STANDBY, Key=late)
    failover = ["manifests", "rewrite", "--from", old, "--lake", new]
    early = bluetick(operator, *failover)
    assert early.returncode == 1 and late.rsplit("/", 1)[1] in early.stdout, early.stdout + early.stderr
    s3.put_object(Bucket=STANDBY, Key=late, Body=content)
    for command in (failover, ["erase", "--again", "--lake", new], ["verify", "--lake", new]):
        done = bluetick(operator, *command)
        assert done.returncode == 0, done.stdout + done.stderr
    pipeline.lake = STANDBY
    try:
        assert pipeline.rows() == before
        # The standby takes new events, and those of the last raw objects again, without doubling any.
        raw = f"s3://{pipeline.raw}/raw"
        moved = bluetick(operator, "replay", raw, "--lake", new, "--json")
        # Other tests leave objects that cannot be read.
        assert json.loads(moved.stdout)["new"] == 0, moved.stdout + moved.stderr
        assert pipeline.rows() == before
    finally:
        pipeline.lake = old.removeprefix("s3://")


def test_without_credentials_the_command_says_what_to_do(pipeline: Pipeline, operator: dict[str, str]) -> None:
    operator.pop("AWS_PROFILE")
    operator |= {"AWS_EC2_METADATA_DISABLED": "true"}
    refused = bluetick(operator, "verify", "--lake", f"s3://{pipeline.lake}")
    assert refused.returncode != 0
    assert "AWS_PROFILE" in refused.stderr
