from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from deployed_pipeline import Pipeline
from deployment import deployed


def pytest_configure() -> None:
    """A run that is told to end takes the emulator and its functions with it."""
    signal.signal(signal.SIGTERM, lambda number, frame: pytest.exit("terminated", returncode=128 + number))


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """The stack, deployed once for all tests; each test uses ids of its own."""
    with deployed(tmp_path_factory.mktemp("emulator")) as running:
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
