"""A lake is moved to another bucket, as docs/operations.md says, with a profile as the only credentials."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from binaries import binary
from deployed_pipeline import Pipeline
from emulator import REGION
from webhooks import webhooks

REPLICA = "replica-of-the-lake"


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


def test_without_credentials_the_command_says_what_to_do(pipeline: Pipeline, operator: dict[str, str]) -> None:
    operator.pop("AWS_PROFILE")
    operator |= {"AWS_EC2_METADATA_DISABLED": "true"}
    refused = bluetick(operator, "verify", "--lake", f"s3://{pipeline.lake}")
    assert refused.returncode != 0
    assert "AWS_PROFILE" in refused.stderr
