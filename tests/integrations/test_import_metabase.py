"""The import into Metabase against a stand-in that keeps what it is sent, as Metabase's API is documented.

Metabase itself is not run.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from binaries import ROOT

KEY = "mb_test"


class StandIn(ThreadingHTTPServer):
    """Databases, collections, cards and dashboards in memory."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.kept: dict[str, dict[int, dict[str, Any]]] = {"collection": {}, "card": {}, "dashboard": {}}


class Handler(BaseHTTPRequestHandler):
    server: StandIn

    def log_message(self, *_arguments: object) -> None:
        pass

    def _answer(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _handle(self) -> None:
        path, _, query = self.path.removeprefix("/api/").partition("?")
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null")
        kept = self.server.kept
        parts = path.split("/")
        if self.headers["x-api-key"] != KEY:
            self._answer(401, "Unauthenticated")
        elif path == "database":
            self._answer(200, {"data": [{"id": 7, "name": "Athena"}]})
        elif parts[0] == "collection" and len(parts) == 3:
            kind = query.split("models=")[1].split("&")[0]
            found = [
                {"id": key, "name": item["name"]}
                for key, item in kept[kind].items()
                if item["collection_id"] == int(parts[1])
            ]
            self._answer(200, {"data": found})
        elif self.command == "GET":
            self._answer(200, [{"id": key, **item} for key, item in kept[parts[0]].items()])
        elif self.command == "POST":
            key = len(kept[parts[0]]) + 1
            kept[parts[0]][key] = body
            self._answer(200, {"id": key})
        else:
            kept[parts[0]][int(parts[1])] |= body
            self._answer(200, {})

    do_GET = do_POST = do_PUT = _handle


@pytest.fixture
def metabase() -> Iterator[StandIn]:
    server = StandIn()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def run(server: StandIn, *arguments: str, key: str = KEY) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "scripts" / "import_metabase.py", *arguments]
    environment = {"METABASE_URL": f"http://127.0.0.1:{server.server_port}", "METABASE_API_KEY": key}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_every_question_gets_to_the_dashboard_and_its_filters(metabase: StandIn) -> None:
    content = json.loads((ROOT / "integrations/metabase/dashboard.json").read_text(encoding="utf-8"))
    for _ in range(2):
        assert run(metabase, "--database", "Athena").returncode == 0
        (dashboard,) = metabase.kept["dashboard"].values()
        cards = metabase.kept["card"]
        assert [card["name"] for card in cards.values()] == [question["name"] for question in content["questions"]]
        assert [place["card_id"] for place in dashboard["dashcards"]] == list(cards)
        parameters = {parameter["id"] for parameter in dashboard["parameters"]}
        for place in dashboard["dashcards"]:
            tags = cards[place["card_id"]]["dataset_query"]["native"]["template-tags"]
            mapped = {mapping["parameter_id"]: mapping["target"][1][1] for mapping in place["parameter_mappings"]}
            assert mapped == {name: name for name in tags}
            assert {"from", "to"} <= set(mapped) <= parameters
        assert {card["dataset_query"]["database"] for card in cards.values()} == {7}
    assert len(metabase.kept["collection"]) == 1


@pytest.mark.parametrize(
    ("database", "key", "said"),
    [("Redshift", KEY, "no database 'Redshift'; it has: Athena"), ("Athena", "wrong", "answers 401: ")],
)
def test_what_metabase_refuses_is_said(metabase: StandIn, database: str, key: str, said: str) -> None:
    result = run(metabase, "--database", database, key=key)
    assert result.returncode == 1
    assert said in result.stderr
    assert metabase.kept["card"] == {}


def test_a_server_that_does_not_answer_is_named() -> None:
    environment = {"METABASE_URL": "http://127.0.0.1:1", "METABASE_API_KEY": KEY}
    command = [sys.executable, ROOT / "scripts" / "import_metabase.py", "--database", "Athena"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (result.returncode, "check METABASE_URL" in result.stderr) == (1, True)
