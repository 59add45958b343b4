"""The look-up stores under test: the embedded one, and a DynamoDB table in an emulator, defined as in the template."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from samtranslator.yaml_helper import yaml_parse

from binaries import ROOT
from ports import free_port

TEMPLATE = ROOT / "infra" / "template.yaml"
REGION = "eu-west-1"


def table_definition(name: str) -> dict[str, Any]:
    """What `create_table` needs of the template's table."""
    resource = yaml_parse(TEMPLATE.read_text(encoding="utf-8"))["Resources"]["LookupsTable"]["Properties"]
    wanted = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    return {"TableName": name, **{key: resource[key] for key in wanted}}


def environment(endpoint: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        # The emulator is slow, and the machine that tests may be busy.
        "LOOKUP_BUDGET_MS": "20000",
    }


class Emulator:
    """An emulator of DynamoDB."""

    def __init__(self, endpoint: str) -> None:
        self.variables = environment(endpoint)
        self.tables = 0
        self.client = boto3.client(
            "dynamodb",
            endpoint_url=endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            # The emulator needs some seconds until it listens.
            config=Config(retries={"total_max_attempts": 20, "mode": "standard"}),
        )

    def new_table(self) -> str:
        """The address of a new, empty store."""
        self.tables += 1
        name = f"lookups-{self.tables}"
        self.client.create_table(**table_definition(name))
        return f"dynamodb://{name}"


@contextmanager
def emulated_dynamodb() -> Iterator[Emulator]:
    """Runs an emulator on loopback."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield Emulator(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(timeout=30)
