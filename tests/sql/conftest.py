"""The small lake of `scenario.py`, written once."""

from __future__ import annotations

import pytest

from bluetick_sql.lake import LocalLake
from lake_writer import write_lake
from scenario import ROWS


@pytest.fixture(scope="session")
def scenario_lake(tmp_path_factory: pytest.TempPathFactory) -> LocalLake:
    return LocalLake(write_lake(tmp_path_factory.mktemp("scenario"), ROWS))
