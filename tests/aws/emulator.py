"""MiniStack, an emulator of AWS, as a child process on loopback; and the stack deployed in it.

Differences from AWS, and how the tests handle them:

- Its Athena runs DuckDB's SQL: the endpoint in front of it answers for Athena instead (athena_double.py).
- Its Firehose writes one object for each record and does not compress. The tests of faults put a double of Firehose
  in front of it (endpoint.py), which buffers records and writes gzip objects as the service does.
- It makes no API routes from a function's events; the template declares routes and integrations one by one anyway.
- It honours the batching window, which would make the tests wait: `overlay` sets it to 0.
- Numbers from parameters stay text in it, and it cannot compare them: `overlay` sets a number for the event source's
  concurrency, and the tests reserve no concurrency (IngestConcurrency=0).
- It answers /health itself on every host: the tests ask for it at another of its addresses.
- It enforces the roles of the functions and the policies of buckets and queues (AUTH=true). `overlay` leaves out the
  statements that it cannot evaluate: it speaks HTTP, so TlsOnly would deny everything, and it has no condition keys
  for conditional writes. The endpoint in front of it enforces the latter instead.

test_deploy.py deploys the template without this overlay, by `make deploy`, in an emulator that does not enforce
policies.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import boto3
from botocore.config import Config
from samtranslator.yaml_helper import yaml_parse

from binaries import ROOT, binary

TEMPLATE = ROOT / "infra" / "template.yaml"
TABLES = ROOT / "infra" / "tables.yaml"
SCHEDULED_TASKS = ROOT / "infra" / "scheduled_tasks.yaml"
REGION = "eu-west-1"
ACCOUNT = "123456789012"
STACK = "bluetick-test"
FUNCTIONS = {"IngestFunction": "ingest", "TransformFunction": "transform", "SweepFunction": "sweep"}
CODE_BUCKET = "code"
UNKNOWN_STATEMENTS = ("TlsOnly", "ConditionalManifests")
# Longest wait before a test fails.
PATIENCE_SECONDS = 180


def wait_for(what: str, condition, patience: float = PATIENCE_SECONDS):
    """Returns the first true value of `condition`; fails after `patience` seconds."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.2)
    raise AssertionError(f"{what}: not within {patience} s")


def load_template() -> dict:
    """The template with its short tags (`!Ref` …) written out."""
    return yaml_parse(TEMPLATE.read_text(encoding="utf-8"))


def load_stack() -> dict:
    """The template with the tables of its nested stack among its resources."""
    template = load_template()
    tables = yaml_parse(TABLES.read_text(encoding="utf-8"))
    return {**template, "Resources": {**template["Resources"], **tables["Resources"]}}


def overlay(template: dict, emulator_url: str) -> dict:
    """The template as the emulator can run it. The top of this file lists the differences."""
    resources = dict(template["Resources"])
    resources["Tables"]["Properties"]["TemplateURL"] = f"{emulator_url}/{CODE_BUCKET}/{TABLES.name}"
    for name, resource in list(resources.items()):
        if resource["Type"] in ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"):
            document = resource["Properties"]["PolicyDocument"]
            document["Statement"] = [item for item in document["Statement"] if item["Sid"] not in UNKNOWN_STATEMENTS]
            if not document["Statement"]:
                del resources[name]
    for name, function in FUNCTIONS.items():
        properties = resources[name]["Properties"]
        properties["CodeUri"] = {"Bucket": CODE_BUCKET, "Key": f"{function}.zip"}
        for event in properties.get("Events", {}).values():
            if event["Type"] == "SQS":
                event["Properties"]["MaximumBatchingWindowInSeconds"] = 0
                event["Properties"]["ScalingConfig"]["MaximumConcurrency"] = 4
    return {**template, "Resources": resources}


def architecture() -> str:
    machine = os.uname().machine
    return "arm64" if machine in ("aarch64", "arm64") else "x86_64"


def function_zip(function: str) -> bytes:
    """A zip with the binary as `bootstrap`, stripped, because symbols would be most of it."""
    path = binary(function)
    if not path.is_file():
        raise AssertionError(f"{path} is missing: make build")
    with tempfile.TemporaryDirectory() as directory:
        bootstrap = Path(directory) / "bootstrap"
        shutil.copy(path, bootstrap)
        subprocess.run(["strip", str(bootstrap)], check=True)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            entry = zipfile.ZipInfo("bootstrap")
            entry.external_attr = (stat.S_IFREG | 0o755) << 16
            archive.writestr(entry, bootstrap.read_bytes())
    return buffer.getvalue()


class Emulator:
    """A running MiniStack. `functions_endpoint` is the AWS endpoint of the functions."""

    def __init__(self, log: Path, functions_endpoint: str, port: int, enforce_iam: bool = True):
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        command = shutil.which("ministack", path=str(Path(sys.executable).parent))
        if command is None:
            raise AssertionError("ministack is not installed beside this Python: run make .venv/ready")
        self.log = log
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(log.parent),
            "TMPDIR": str(log.parent),
            # Without this setting MiniStack opens a port on all addresses.
            "IOT_MTLS_ENABLED": "0",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_REGION": REGION,
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "LAMBDA_EXECUTOR": "local",
            "AUTH": str(enforce_iam).lower(),
            "AWS_ENDPOINT_URL": functions_endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        self.process = subprocess.Popen(
            [command], env=environment, stdout=log.open("wb"), stderr=subprocess.STDOUT, start_new_session=True
        )
        wait_for("the emulator's port", self._listens, 60)

    def _listens(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"the emulator ended: {self.log.read_text(errors='replace')[-2000:]}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def client(self, service: str):
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def stop(self) -> None:
        """Stops the emulator and the functions that it started."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Stack:
    """The deployed stack."""

    def __init__(self, emulator: Emulator, template: dict, parameters: dict[str, str]):
        self.emulator = emulator
        self.s3 = emulator.client("s3")
        self.s3.create_bucket(Bucket=CODE_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        for function in FUNCTIONS.values():
            self.s3.put_object(Bucket=CODE_BUCKET, Key=f"{function}.zip", Body=function_zip(function))
        self.s3.put_object(Bucket=CODE_BUCKET, Key=TABLES.name, Body=TABLES.read_bytes())
        # As on AWS, a template over 51,200 bytes cannot be the body of a request.
        self.s3.put_object(Bucket=CODE_BUCKET, Key="template.json", Body=json.dumps(template).encode())
        cloudformation = emulator.client("cloudformation")
        cloudformation.create_stack(
            StackName=STACK,
            TemplateURL=f"{emulator.url}/{CODE_BUCKET}/template.json",
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )

        def settled() -> dict | None:
            stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
            return None if stack["StackStatus"].endswith("_IN_PROGRESS") else stack

        stack = wait_for("the stack's creation", settled)
        if stack["StackStatus"] != "CREATE_COMPLETE":
            events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
            reasons = [
                f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}"
                for event in events
                if event["ResourceStatus"].endswith("FAILED")
            ]
            raise AssertionError(f"{stack['StackStatus']}: {reasons}")
        self._describe(stack, STACK)

    @classmethod
    def existing(cls, emulator: Emulator, name: str) -> Stack:
        """A stack that something else has deployed."""
        found = cls.__new__(cls)
        found.emulator, found.s3 = emulator, emulator.client("s3")
        found._describe(emulator.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0], name)
        return found

    def _describe(self, stack: dict, name: str) -> None:
        cloudformation = self.emulator.client("cloudformation")
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        self.resources = {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for resource in cloudformation.describe_stack_resources(StackName=name)["StackResources"]
        }
        api = re.match(r"https?://([a-z0-9]+)\.execute-api", self.outputs["WebhookUrl"])
        self.api_id = api.group(1) if api else self.resources["HttpApi"]

    def put_secret(self, values: dict[str, str]) -> None:
        self.emulator.client("secretsmanager").put_secret_value(
            SecretId=self.outputs["SecretArn"], SecretString=json.dumps(values)
        )
