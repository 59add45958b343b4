from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from emulator import Emulator, Stack, architecture, free_port, load_template, overlay  # noqa: E402
from endpoint import Endpoint  # noqa: E402
from pipeline import Pipeline  # noqa: E402
from webhooks import SECRETS  # noqa: E402


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """The stack, deployed once for all tests; each test uses ids of its own."""
    directory = tmp_path_factory.mktemp("emulator")
    port = free_port()
    emulator_port = free_port()
    endpoint = Endpoint(port, emulator_port)
    emulator = None
    try:
        emulator = Emulator(directory / "emulator.log", endpoint.url, emulator_port)
        parameters = {"Architecture": architecture(), "IngestConcurrency": "0"}
        stack = Stack(emulator, overlay(load_template()), parameters)
        stack.put_secret(SECRETS)
        yield Pipeline(stack, endpoint)
    finally:
        endpoint.stop()
        if emulator:
            emulator.stop()


@pytest.fixture(autouse=True)
def healthy(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test of the pipeline begins and ends without faults, and no call may have broken Firehose's limits."""
    yield
    if "pipeline" in request.fixturenames:
        endpoint = request.getfixturevalue("pipeline").endpoint
        endpoint.behave(None)
        violations, endpoint.violations = endpoint.violations, []
        assert not violations
