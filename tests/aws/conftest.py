from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

import operator_machine
import page_commands
from deployed_pipeline import Pipeline
from deployment import deployed as deployed_pipeline
from emulator import Stack
from operator_machine import Machine

STACK = "bluetick"


def pytest_configure() -> None:
    """A run that is told to end takes the emulator and its functions with it."""
    signal.signal(signal.SIGTERM, lambda number, frame: pytest.exit("terminated", returncode=128 + number))


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """The stack, deployed once for all tests; each test uses ids of its own."""
    with deployed_pipeline(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture(autouse=True)
def healthy(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test of the pipeline begins and ends without faults, and no call may have broken a limit or a bucket's
    policy.
    """
    yield
    if "pipeline" in request.fixturenames:
        endpoint = request.getfixturevalue("pipeline").endpoint
        endpoint.behave(None)
        violations, endpoint.violations = endpoint.violations, []
        assert not violations


@pytest.fixture(scope="session")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """An operator's machine, with AWS on loopback."""
    with operator_machine.machine(tmp_path_factory.mktemp("home")) as running:
        yield running


@dataclass
class Deployment:
    """The first `make deploy` of docs/operations.md, and the stack that it left."""

    user: Machine
    result: subprocess.CompletedProcess[str]

    @property
    def stack(self) -> Stack:
        return Stack.existing(self.user.emulator, STACK)


@pytest.fixture(scope="session")
def deployed(user: Machine) -> Deployment:
    """The page's first block as it stands, but that the emulator cannot reserve concurrency."""
    text = page_commands.run_as_typed("export AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1")
    assert 'PARAMETERS="' in text
    return Deployment(user, user.shell(text.replace('PARAMETERS="', 'PARAMETERS="IngestConcurrency=0 ')))
