"""What `make deploy` leaves, refuses and builds, on the machine of operator_machine.py. test_pages.py types the
commands of the pages.
"""

from __future__ import annotations

import json
import re
import struct
import subprocess
from pathlib import Path

import pytest

import stack as stack_script
from conftest import STACK, Deployment
from deployed_pipeline import Pipeline
from emulator import FUNCTIONS, REGION
from make_samples import SECRETS
from operator_machine import Machine, program
from webhooks import webhooks


def test_views_and_queries_are_published_in_the_stacks_time_zone(user: Machine, deployed: Deployment) -> None:
    assert deployed.result.returncode == 0, deployed.result.stdout[-3000:] + deployed.result.stderr[-3000:]
    assert re.search(r"published \d+ views and \d+ queries in bluetick", deployed.result.stdout)
    athena = user.endpoint.athena
    assert athena is not None
    assert athena.views and athena.prepared and athena.named
    assert all("Asia/Kolkata" in text for text in athena.views.values() if "timezone" in text.lower())
    [day] = user.emulator.client("glue").get_table(DatabaseName="bluetick", Name="calendar")["Table"][
        "StorageDescriptor"
    ]["Columns"]
    assert day["Comment"] == "a local day."


def test_everything_of_the_template_is_deployed(user: Machine, deployed: Deployment) -> None:
    cloudformation = user.emulator.client("cloudformation")
    found = {item["LogicalResourceId"]: item for item in stack_script.resources(cloudformation, STACK)}
    kinds = {item["ResourceType"] for item in found.values()}
    assert {"AWS::CloudWatch::Alarm", "AWS::S3::BucketPolicy", "AWS::CloudFormation::Stack"} <= kinds
    tables = stack_script.resources(cloudformation, found["Tables"]["PhysicalResourceId"])
    assert {"ClicksTable", "StatusesTable", "RejectionsTable"} <= {item["LogicalResourceId"] for item in tables}


def test_a_signed_webhook_becomes_a_row_that_can_be_asked_back(user: Machine, deployed: Deployment) -> None:
    stack = deployed.stack
    stack.put_secret(SECRETS)
    # The stack's batching window is 30 s; the test has no time for it. And the emulator cannot compare a number that
    # comes from a parameter.
    mappings = user.emulator.client("lambda")
    [mapping] = mappings.list_event_source_mappings()["EventSourceMappings"]
    mappings.update_event_source_mapping(
        UUID=mapping["UUID"], MaximumBatchingWindowInSeconds=0, ScalingConfig={"MaximumConcurrency": 4}
    )
    pipeline = Pipeline(stack, user.endpoint)
    # The environment that answered /health would read the new secret within a minute.
    pipeline.restart_ingest()
    tally = pipeline.tally(pipeline.send_all(webhooks("deployed", 6)))
    assert (tally.accepted, tally.rows, tally.lost, tally.doubled) == (6, 6, 0, 0)


def test_the_stack_policy_protects_what_holds_data(user: Machine, deployed: Deployment) -> None:
    body = user.emulator.client("cloudformation").get_stack_policy(StackName=STACK)["StackPolicyBody"]
    denied = [item["Resource"] for item in json.loads(body)["Statement"] if item["Effect"] == "Deny"]
    assert denied == [
        [f"LogicalResourceId/{name}" for name in ("ArchiveBucket", "LakeBucket", "RawBucket", "ResultBucket")]
        + ["LogicalResourceId/VerifyTokenSecret", "LogicalResourceId/WebhookSecret"]
    ]


def test_another_bucket_prefix_is_refused(user: Machine, deployed: Deployment) -> None:
    result = user.run("make", "deploy", "PARAMETERS=BucketPrefix=other", AWS_REGION=REGION)
    assert result.returncode != 0
    assert "would continue with empty buckets" in result.stderr


@pytest.mark.parametrize("region", ["AWS_REGION", "AWS_DEFAULT_REGION", "profile"])
def test_the_region_comes_from_either_variable_or_the_profile(user: Machine, region: str) -> None:
    environment = dict(user.environment)
    config = user.home / "config"
    config.write_text("[profile operator]\nregion = eu-north-1\n")
    environment["AWS_CONFIG_FILE"] = str(config)
    if region != "profile":
        environment[region] = "ap-south-1"
    script = "source infra/region.sh; echo $AWS_REGION $AWS_DEFAULT_REGION"
    result = subprocess.run(["bash", "-euc", script], cwd=user.project, env=environment, capture_output=True, text=True)
    expected = "eu-north-1" if region == "profile" else "ap-south-1"
    assert result.stdout.split() == [expected, expected], result.stderr


def test_without_a_region_nothing_is_deployed(user: Machine) -> None:
    result = user.run("make", "deploy", "STACK=no-region")
    assert result.returncode != 0
    assert "set AWS_REGION" in result.stderr


def test_a_name_that_is_too_long_is_refused(user: Machine) -> None:
    result = user.run("make", "deploy", f"STACK={'x' * 65}", AWS_REGION=REGION)
    assert result.returncode != 0
    assert "65 characters" in result.stderr


# A compiler that makes an ELF file for the processor that it is asked for.
CARGO = """#!/bin/bash
echo "cargo $*" >> "$CALLS"
case "$1" in
metadata)
    # SAM asks for the directory of the results, the bill of materials for the crates.
    case "$*" in *filter-platform*) RUSTC=$REAL_RUSTC exec "$REAL_CARGO" "$@";; esac
    echo "{\\"target_directory\\": \\"$PWD/target\\"}"; exit 0;;
fetch) exit 0;;
esac
kind=$HOST_KIND
names=()
for argument; do
    case "$argument" in --arm64|aarch64-*) kind=arm64;; x86_64-*) kind=x86_64;; esac
    [ "$previous" = --bin ] && names+=("$argument")
    previous=$argument
done
for name in "${names[@]}"; do
    mkdir -p "target/lambda/$name"
    cp "$FAKES/$kind" "target/lambda/$name/bootstrap"
done
"""
SAM = """#!/bin/sh
echo "sam $*" >> "$CALLS"
[ "$1" = deploy ] && exit 77
exec "$REAL_SAM" "$@"
"""


def elf(machine: str, glibc: str) -> bytes:
    number = {"x86_64": 62, "arm64": 183}[machine]
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 3, number)
    return header + b"\x00" + glibc.encode() + b"\x00"


def typed_on_a_machine_of_another_kind(
    user: Machine, directory: Path, command: str, glibc: str
) -> tuple[int, list[str], str]:
    """Runs `make …` with a fake compiler on an x86_64 machine that can build for arm64, too; `sam deploy` is only
    recorded. Gives the status, the calls of cargo and sam, and the output.
    """
    fakes, calls, libraries = directory / "fakes", directory / "calls", directory / "libraries"
    for folder in (fakes, libraries):
        folder.mkdir()
    for kind in ("x86_64", "arm64"):
        (fakes / kind).write_bytes(elf(kind, glibc))
    rustc = f'#!/bin/sh\n[ "$1" = --version ] && echo "host: x86_64-unknown-linux-gnu" || echo {libraries}\n'
    scripts = {"cargo": CARGO, "sam": SAM, "rustc": rustc}
    scripts["aarch64-linux-gnu-gcc"] = scripts["x86_64-linux-gnu-gcc"] = "#!/bin/sh\n"
    for name, text in scripts.items():
        program(fakes / name, text)
    # The makefile puts the checkout's own environments before the PATH.
    own_sam = user.project / ".venv-tools" / "bin" / "sam"
    real_sam = own_sam.readlink()
    own_sam.unlink()
    try:
        result = user.run(
            *("bash", "-c", command),
            PATH=f"{fakes}:{user.environment['PATH']}",
            AWS_REGION=REGION,
            CALLS=str(calls),
            FAKES=str(fakes),
            HOST_KIND="x86_64",
            REAL_CARGO=str(user.real_cargo),
            REAL_RUSTC=str(user.real_cargo.with_name("rustc")),
            REAL_SAM=str(real_sam),
            DIST=str(directory / "dist"),
        )
    finally:
        own_sam.symlink_to(real_sam)
    recorded = calls.read_text().splitlines() if calls.exists() else []
    return result.returncode, recorded, result.stdout + result.stderr


@pytest.mark.parametrize("arch", ["arm64", "x86_64"])
def test_make_deploy_builds_the_architecture_that_it_deploys(user: Machine, tmp_path: Path, arch: str) -> None:
    # As docs/operations.md has it: `ARCH=x86_64 make deploy`.
    _, calls, output = typed_on_a_machine_of_another_kind(
        user, tmp_path, f"ARCH={arch} make deploy STACK=built", "GLIBC_2.34"
    )
    [build] = [line for line in calls if line.startswith("cargo lambda build")]
    assert "--locked" in build
    assert ("--target aarch64-unknown-linux-gnu" in build) == (arch == "arm64")
    assert all(f"--bin {name}" in build for name in FUNCTIONS.values())
    [deploy] = [line for line in calls if line.startswith("sam deploy")]
    assert f"Architecture={arch}" in deploy, output
    assert f"--region {REGION}" in deploy


@pytest.mark.parametrize("arch", ["arm64", "x86_64"])
def test_sam_builds_the_architecture_that_it_is_given(user: Machine, tmp_path: Path, arch: str) -> None:
    status, calls, output = typed_on_a_machine_of_another_kind(
        user, tmp_path, f"ARCH={arch} make test-deploy", "GLIBC_2.34"
    )
    assert status == 0, output
    builds = [line for line in calls if line.startswith("cargo lambda build")]
    assert len(builds) == len(FUNCTIONS), output
    assert all(("--arm64" in line) == (arch == "arm64") for line in builds)


def test_functions_that_need_a_newer_glibc_are_not_deployed(user: Machine, tmp_path: Path) -> None:
    status, calls, output = typed_on_a_machine_of_another_kind(
        user, tmp_path, "ARCH=arm64 make deploy STACK=built", "GLIBC_2.39"
    )
    assert status != 0
    assert "older distribution" in output
    assert not any(line.startswith("sam deploy") for line in calls)


def test_health_says_what_is_wrong() -> None:
    answers = iter([(0, b"refused"), (503, b"{}"), (200, b'{"ok": true}')])
    pauses: list[float] = []
    stack_script.health("https://api", lambda url: next(answers), pauses.append)
    assert len(pauses) == 2
    with pytest.raises(stack_script.StackError, match="ingest does not run"):
        stack_script.health("https://api", lambda url: (500, b"broken"), pauses.append)
