"""The stack deployed in the emulator with a customer managed key, and the endpoint of faults in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deployed_pipeline import Pipeline
from emulator import Emulator, Stack, architecture, load_template, overlay
from endpoint import Endpoint
from make_samples import SECRETS
from ports import free_port

# The operator's key of the list of erasures.
ERASURE_KEY = "key-of-the-operator-0123456789"


@contextmanager
def deployed(directory: Path) -> Iterator[Pipeline]:
    """Runs everything until the block ends. Logs of emulator and functions go to `emulator.log` in `directory`."""
    port, emulator_port = free_port(), free_port()
    endpoint = Endpoint(port, emulator_port)
    emulator = None
    try:
        emulator = Emulator(directory / "emulator.log", endpoint.url, emulator_port)
        key = emulator.client("kms").create_key(Description="of the operator")["KeyMetadata"]["Arn"]
        erasures = emulator.client("secretsmanager").create_secret(
            Name="erasures", KmsKeyId=key, SecretString=f"{ERASURE_KEY}\n"
        )
        # test_deploy.py deploys without these keys and without an archive.
        parameters = {
            "Architecture": architecture(),
            "ArchiveDays": "30",
            "IngestConcurrency": "0",
            "KmsKeyArn": key,
            "ErasureKeySecretArn": erasures["ARN"],
        }
        stack = Stack(emulator, overlay(load_template(), emulator.url), parameters)
        stack.put_secret(SECRETS)
        yield Pipeline(stack, endpoint)
    finally:
        endpoint.stop()
        if emulator:
            emulator.stop()
