#!/usr/bin/env python3
"""Puts the questions and the dashboard of integrations/metabase into a Metabase, through its API.

    METABASE_URL=https://metabase.example.com METABASE_API_KEY=mb_… python3 scripts/import_metabase.py --database Athena

The key is one of Metabase's API keys (Admin, Authentication) whose group may write to a collection. Running it again
replaces what the earlier run made: questions and dashboard are found by their names in the collection. Exit status 1
if Metabase refuses a request.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

DASHBOARD = Path(__file__).resolve().parent.parent / "integrations" / "metabase" / "dashboard.json"
SECONDS = 60


class ImportFailure(RuntimeError):
    """Metabase has no such database, or refused a request. The text says what to do."""


class Metabase:
    """The few calls of Metabase's API that the import needs."""

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url.rstrip("/"), key

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The JSON of an answer. Raises ImportFailure with status and text for any answer but a good one."""
        request = urllib.request.Request(
            f"{self._url}/api/{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"x-api-key": self._key, "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")[:500]
            raise ImportFailure(f"{method} /api/{path}: Metabase answers {error.code}: {text}") from error
        except urllib.error.URLError as error:
            raise ImportFailure(f"{self._url} does not answer ({error.reason}): check METABASE_URL") from error

    def database(self, name: str) -> int:
        """The id of a database by its name."""
        databases = {found["name"]: found["id"] for found in self.call("GET", "database")["data"]}
        if name not in databases:
            raise ImportFailure(f"Metabase has no database {name!r}; it has: {', '.join(sorted(databases)) or 'none'}")
        return databases[name]

    def collection(self, name: str) -> int:
        """The id of a collection by its name; it is made if there is none."""
        for found in self.call("GET", "collection"):
            if found["name"] == name and not found.get("archived"):
                return found["id"]
        return self.call("POST", "collection", {"name": name})["id"]

    def put(self, kind: str, content: dict[str, Any], collection: int) -> int:
        """Creates a card or dashboard in a collection, or replaces the one of the same name. Returns its id."""
        items = self.call("GET", f"collection/{collection}/items?models={kind}&limit=1000")["data"]
        known = next((item["id"] for item in items if item["name"] == content["name"]), None)
        content = {**content, "collection_id": collection}
        if known is None:
            return self.call("POST", kind, content)["id"]
        self.call("PUT", f"{kind}/{known}", content)
        return known


def card(question: dict[str, Any], database: int) -> dict[str, Any]:
    """A question as Metabase's API takes it."""
    native = {"query": question["sql"], "template-tags": question["template_tags"]}
    return {
        "name": question["name"],
        "display": question["display"],
        "dataset_query": {"database": database, "type": "native", "native": native},
        "visualization_settings": question["visualization_settings"],
    }


def placed(question: dict[str, Any], card_id: int, number: int) -> dict[str, Any]:
    """A question on the dashboard. A negative id asks Metabase for a new place."""
    mappings = [
        {"parameter_id": name, "card_id": card_id, "target": ["variable", ["template-tag", name]]}
        for name in question["template_tags"]
    ]
    return {"id": -number, "card_id": card_id, "parameter_mappings": mappings, **question["place"]}


def import_dashboard(metabase: Metabase, content: dict[str, Any], database: str, collection: str) -> int:
    """Writes questions and dashboard; returns the dashboard's id."""
    database_id, collection_id = metabase.database(database), metabase.collection(collection)
    places = []
    for number, question in enumerate(content["questions"], 1):
        card_id = metabase.put("card", card(question, database_id), collection_id)
        places.append(placed(question, card_id, number))
    head = {name: content[name] for name in ("name", "description", "parameters")}
    dashboard = metabase.put("dashboard", head, collection_id)
    metabase.call("PUT", f"dashboard/{dashboard}", {"dashcards": places, "parameters": content["parameters"]})
    return dashboard


def main() -> int:
    """Prints the address of the dashboard."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", required=True, help="name of the Athena database in Metabase")
    parser.add_argument("--collection", default="Bluetick", help="collection of the questions; made if need be")
    parser.add_argument("--file", type=Path, default=DASHBOARD, help="the file of `make integrations`")
    given = parser.parse_args()
    try:
        url, key = os.environ["METABASE_URL"], os.environ["METABASE_API_KEY"]
    except KeyError as error:
        print(f"import_metabase: set {error.args[0]}", file=sys.stderr)
        return 2
    content = json.loads(given.file.read_text(encoding="utf-8"))
    try:
        dashboard = import_dashboard(Metabase(url, key), content, given.database, given.collection)
    except ImportFailure as error:
        print(f"import_metabase: {error}", file=sys.stderr)
        return 1
    print(f"{len(content['questions'])} questions: {url.rstrip('/')}/dashboard/{dashboard}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
