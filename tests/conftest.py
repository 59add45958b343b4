"""The look-up stores under test, each with the variables that its clients need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import lookup_stores


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[lookup_stores.Emulator]:
    # Loading the client of AWS takes a second, which tests without a store need not wait.
    import lookup_stores

    with lookup_stores.emulated_dynamodb() as emulator:
        yield emulator


@pytest.fixture(params=["embedded", "dynamodb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, dict[str, str]]:
    """The address of a store, and the variables that its clients need."""
    if request.param == "embedded":
        return (tmp_path / "lookups").absolute().as_uri(), {"LOOKUP_BUDGET_MS": "20000"}
    emulator = request.getfixturevalue("dynamodb")
    return emulator.new_table(), emulator.variables
