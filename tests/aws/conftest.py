from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from deployment import deployed  # noqa: E402
from pipeline import Pipeline  # noqa: E402


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
    """Every test of the pipeline begins and ends without faults, and no call may have broken a limit or a bucket's policy."""
    yield
    if "pipeline" in request.fixturenames:
        endpoint = request.getfixturevalue("pipeline").endpoint
        endpoint.behave(None)
        violations, endpoint.violations = endpoint.violations, []
        assert not violations
