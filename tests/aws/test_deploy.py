"""`make deploy` and `make destroy` as a user types them: from an environment with a profile and AWS_REGION only.

The template is deployed as it ships, in an emulator that does not enforce policies: it speaks HTTP, so the policies
that demand TLS would deny everything. Athena is a double. A fake `cargo` stands for the compiler where `sam build` is
tested, so that both architectures can be checked; `make test-deploy` compiles.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import stack as stack_script
from athena_double import Athena
from binaries import ROOT, binary
from deployed_pipeline import Pipeline
from emulator import FUNCTIONS, REGION, Emulator, Stack, architecture
from endpoint import Endpoint
from make_samples import SECRETS
from ports import free_port
from webhooks import webhooks

STACK = "bluetick-deployed"


@dataclass
class Machine:
    """A user's machine: a home with one profile, and an AWS on loopback."""

    endpoint: Endpoint
    emulator: Emulator
    environment: dict[str, str]
    home: Path

    def run(self, *command: str, cwd: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {**self.environment, **variables}
        return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    home = tmp_path_factory.mktemp("home")
    (home / ".aws").mkdir()
    (home / ".aws" / "credentials").write_text("[operator]\naws_access_key_id = test\naws_secret_access_key = test\n")
    port, emulator_port = free_port(), free_port()
    endpoint = Endpoint(port, emulator_port)
    endpoint.athena = Athena()
    emulator = Emulator(home / "emulator.log", endpoint.url, emulator_port, enforce_iam=False)
    path = f"{ROOT / '.venv' / 'bin'}:{Path(shutil.which('cargo') or '/').parent}:/usr/bin:/bin"
    environment = {
        "PATH": path,
        "HOME": str(home),
        "AWS_PROFILE": "operator",
        "AWS_REGION": REGION,
        # The emulator in place of AWS.
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_ALLOW_HTTP": "true",
        "http_proxy": endpoint.url,
        "no_proxy": "127.0.0.1",
    }
    for name in ("CARGO_HOME", "RUSTUP_HOME"):
        environment[name] = os.environ.get(name, str(Path.home() / f".{name.split('_')[0].lower()}"))
    try:
        yield Machine(endpoint, emulator, environment, home)
    finally:
        endpoint.stop()
        emulator.stop()


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The binaries of this build as an unpacked release."""
    directory = tmp_path_factory.mktemp("release")
    sums = []
    for name in FUNCTIONS.values():
        path = directory / name / "bootstrap"
        path.parent.mkdir()
        shutil.copy(binary(name), path)
        subprocess.run(["strip", str(path)], check=True)
        sums.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}/bootstrap\n")
    (directory / "SHA256SUMS").write_text("".join(sums))
    return directory


@pytest.fixture(scope="module")
def deployed(user: Machine, release: Path) -> subprocess.CompletedProcess[str]:
    """`make deploy` of the release; its output."""
    return user.run(
        "make",
        "deploy",
        f"STACK={STACK}",
        f"ARCH={architecture()}",
        f"FUNCTIONS={release}",
        "PARAMETERS=IngestConcurrency=0 TimeZone=Asia/Kolkata BucketPrefix=deployed DatabaseName=deployed",
        "TAGS=team=data",
    )


def test_make_deploy_ends_well_and_says_where_webhooks_go(user: Machine, deployed) -> None:
    assert deployed.returncode == 0, deployed.stdout[-3000:] + deployed.stderr[-3000:]
    assert re.search(r"published \d+ views and \d+ queries in deployed", deployed.stdout)
    assert re.search(r"webhooks: https?://\S+", deployed.stdout)
    athena = user.endpoint.athena
    assert athena is not None
    assert athena.views and athena.prepared and athena.named
    assert all("Asia/Kolkata" in text for text in athena.views.values() if "timezone" in text.lower())


def test_everything_of_the_template_is_deployed(user: Machine, deployed) -> None:
    cloudformation = user.emulator.client("cloudformation")
    found = {item["LogicalResourceId"]: item for item in stack_script.resources(cloudformation, STACK)}
    kinds = {item["ResourceType"] for item in found.values()}
    assert {"AWS::CloudWatch::Alarm", "AWS::S3::BucketPolicy", "AWS::CloudFormation::Stack"} <= kinds
    tables = stack_script.resources(cloudformation, found["Tables"]["PhysicalResourceId"])
    assert {"ClicksTable", "StatusesTable", "RejectionsTable"} <= {item["LogicalResourceId"] for item in tables}


def test_a_signed_webhook_becomes_a_row_that_can_be_asked_back(user: Machine, deployed, tmp_path: Path) -> None:
    """With the runbook's commands: the secret by the AWS CLI, the check by `bluetick`, both by the profile."""
    stack = Stack.existing(user.emulator, STACK)
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps(SECRETS))
    put = user.run(
        *("aws", "secretsmanager", "put-secret-value", "--secret-id", stack.outputs["SecretArn"]),
        *("--secret-string", f"file://{secret}", "--endpoint-url", user.endpoint.url),
        AWS_DEFAULT_REGION=REGION,
    )
    assert put.returncode == 0, put.stderr
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


def test_the_stack_policy_protects_what_holds_data(user: Machine, deployed) -> None:
    body = user.emulator.client("cloudformation").get_stack_policy(StackName=STACK)["StackPolicyBody"]
    denied = [item["Resource"] for item in json.loads(body)["Statement"] if item["Effect"] == "Deny"]
    assert denied == [
        [f"LogicalResourceId/{name}" for name in ("LakeBucket", "RawBucket", "ResultBucket")]
        + ["LogicalResourceId/VerifyTokenSecret", "LogicalResourceId/WebhookSecret"]
    ]


def test_another_bucket_prefix_is_refused(user: Machine, deployed, release: Path) -> None:
    result = user.run(
        *("make", "deploy", f"STACK={STACK}", f"FUNCTIONS={release}", "PARAMETERS=BucketPrefix=other"),
    )
    assert result.returncode != 0
    assert "would continue with empty buckets" in result.stderr


@pytest.mark.parametrize("region", ["AWS_REGION", "AWS_DEFAULT_REGION", "profile"])
def test_the_region_comes_from_either_variable_or_the_profile(user: Machine, region: str) -> None:
    environment = {name: value for name, value in user.environment.items() if name != "AWS_REGION"}
    config = user.home / "config"
    config.write_text("[profile operator]\nregion = eu-north-1\n")
    environment["AWS_CONFIG_FILE"] = str(config)
    if region != "profile":
        environment[region] = "ap-south-1"
    script = "source infra/region.sh; echo $AWS_REGION $AWS_DEFAULT_REGION"
    result = subprocess.run(["bash", "-euc", script], cwd=ROOT, env=environment, capture_output=True, text=True)
    expected = "eu-north-1" if region == "profile" else "ap-south-1"
    assert result.stdout.split() == [expected, expected], result.stderr


def test_without_a_region_nothing_is_deployed(user: Machine) -> None:
    environment = {name: value for name, value in user.environment.items() if name != "AWS_REGION"}
    result = subprocess.run(
        ["make", "deploy", "STACK=no-region"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert result.returncode != 0
    assert "set AWS_REGION" in result.stderr


def test_a_name_that_is_too_long_is_refused(user: Machine) -> None:
    result = user.run("make", "deploy", f"STACK={'x' * 65}")
    assert result.returncode != 0
    assert "65 characters" in result.stderr


CARGO = """#!/bin/sh
echo "cargo $*" >> "$CALLS"
case "$1" in
metadata) echo "{\\"target_directory\\": \\"$PWD/target\\"}"; exit 0;;
fetch) exit 0;;
esac
kind=x86_64
for argument; do
    case "$argument" in --arm64) kind=arm64;; esac
    [ "$previous" = --bin ] && name=$argument
    previous=$argument
done
mkdir -p "target/lambda/$name"
cp "$FAKES/$kind" "target/lambda/$name/bootstrap"
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


def build_and_deploy(user: Machine, directory: Path, arch: str, glibc: str) -> tuple[int, str, str]:
    """`make deploy` in a copy of the project with a fake compiler and a `sam deploy` that is only recorded."""
    project = directory / "project"
    for folder in ("infra", "sql"):
        shutil.copytree(ROOT / folder, project / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "pyproject.toml", "Cargo.toml", "Cargo.lock"):
        shutil.copy2(ROOT / name, project)
    fakes, calls = directory / "fakes", directory / "calls"
    fakes.mkdir()
    scripts = {"cargo": CARGO, "sam": SAM, "cargo-lambda": "#!/bin/sh\n", "rustc": ""}
    for kind in ("x86_64", "arm64"):
        (fakes / kind).write_bytes(elf(kind, glibc))
    libraries = directory / "libraries"
    libraries.mkdir()
    scripts["rustc"] = f'#!/bin/sh\n[ "$1" = --version ] && echo "host: x86_64-unknown-linux-gnu" || echo {libraries}\n'
    scripts["aarch64-linux-gnu-gcc"] = scripts["x86_64-linux-gnu-gcc"] = "#!/bin/sh\n"
    for tools in (".venv", ".venv-tools"):
        (project / tools / "bin").mkdir(parents=True)
        for name in ("ready", "query"):
            (project / tools / name).touch()
    for program in ("python3", "python"):
        (project / ".venv" / "bin" / program).write_text(f'#!/bin/sh\nexec {ROOT}/.venv/bin/python "$@"\n')
        (project / ".venv" / "bin" / program).chmod(0o755)
    for name, text in scripts.items():
        (project / ".venv" / "bin" / name).write_text(text)
        (project / ".venv" / "bin" / name).chmod(0o755)
    result = user.run(
        *("make", "deploy", "STACK=built", f"ARCH={arch}"),
        cwd=project,
        CALLS=str(calls),
        FAKES=str(fakes),
        REAL_SAM=str(ROOT / ".venv-tools" / "bin" / "sam"),
    )
    recorded = calls.read_text() if calls.exists() else ""
    return result.returncode, recorded, result.stdout + result.stderr


@pytest.mark.parametrize("arch", ["arm64", "x86_64"])
def test_sam_builds_the_architecture_that_is_deployed(user: Machine, tmp_path: Path, arch: str) -> None:
    _, calls, output = build_and_deploy(user, tmp_path, arch, "GLIBC_2.34")
    builds = [line for line in calls.splitlines() if line.startswith("cargo lambda build")]
    assert len(builds) == len(FUNCTIONS), output
    assert all(("--arm64" in line) == (arch == "arm64") for line in builds)
    assert calls.index("cargo fetch --locked") < calls.index(builds[0])
    [deploy] = [line for line in calls.splitlines() if line.startswith("sam deploy")]
    assert f"Architecture={arch}" in deploy
    assert f"--region {REGION}" in deploy


def test_functions_that_need_a_newer_glibc_are_not_deployed(user: Machine, tmp_path: Path) -> None:
    status, calls, output = build_and_deploy(user, tmp_path, "arm64", "GLIBC_2.39")
    assert status != 0
    assert "older distribution" in output
    assert "sam deploy" not in calls


def test_make_destroy_deletes_the_stack_and_says_what_is_kept(user: Machine, deployed) -> None:
    result = user.run("make", "destroy", f"STACK={STACK}")
    assert result.returncode == 0, result.stdout + result.stderr
    for name in ("deployed-raw", "deployed-lake", "deployed-results", "WebhookSecret", "VerifyTokenSecret"):
        assert name in result.stdout
    buckets = {bucket["Name"] for bucket in user.emulator.client("s3").list_buckets()["Buckets"]}
    assert {f"deployed-{kind}-123456789012-{REGION}" for kind in ("raw", "lake", "results")} <= buckets
    assert stack_script.find(user.emulator.client("cloudformation"), STACK) is None
    again = user.run("make", "destroy", f"STACK={STACK}")
    assert again.returncode != 0
    assert "there is no stack" in again.stderr


def test_health_says_what_is_wrong() -> None:
    answers = iter([(0, b"refused"), (503, b"{}"), (200, b'{"ok": true}')])
    pauses: list[float] = []
    stack_script.health("https://api", lambda url: next(answers), pauses.append)
    assert len(pauses) == 2
    with pytest.raises(stack_script.StackError, match="ingest does not run"):
        stack_script.health("https://api", lambda url: (500, b"broken"), pauses.append)
