"""One Trino server for all tests of this folder. Without one they fail, and say what is missing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from trino_server import NoTrino, TrinoServer


@pytest.fixture(scope="session")
def trino(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrinoServer]:
    try:
        server = TrinoServer(tmp_path_factory.mktemp("trino"))
    except NoTrino as error:
        pytest.fail(f"Trino cannot be had here: {error}", pytrace=False)
    yield server
    server.stop()
