"""Every file of sql/ is a single statement of a real grammar: queries and views of Trino's, DDL of Hive's.

The grammars are ANTLR's, out of the package dt-sql-parser; Node.js runs them. Without Node.js these tests fail, and say so.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bluetick_sql.statements import Settings, ddl_files, query_files, view_files

PACKAGE = Path(__file__).parent / "grammar"
SETTINGS = Settings("whatsapp_analytics", "s3://bucket/lake", "Asia/Kolkata", 72)


@pytest.fixture(scope="session")
def checker() -> Path:
    """The checker in one file, with its grammars. Its packages are installed by the lock file if they are not there yet."""
    cache = Path(os.environ.get("BLUETICK_CACHE", Path.home() / ".cache" / "bluetick")) / "sql-grammar"
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.fail("the grammar check needs Node.js: install node and npm", pytrace=False)
    cache.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "check.js"):
        source, copy = PACKAGE / name, cache / name
        if not copy.is_file() or copy.read_bytes() != source.read_bytes():
            shutil.copy(source, copy)
            shutil.rmtree(cache / "node_modules", ignore_errors=True)
    bundle = cache / "check.bundle.cjs"
    if not (cache / "node_modules").is_dir():
        bundle.unlink(missing_ok=True)
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=cache, check=True, capture_output=True)
    if not bundle.is_file():
        subprocess.run(
            ["npx", "--no-install", "esbuild", "check.js", "--bundle", "--platform=node", f"--outfile={bundle}", "--log-level=error"],
            cwd=cache, check=True, capture_output=True,
        )
    return bundle


def errors(checker: Path, statements: list[dict[str, str]]) -> dict[str, list[dict[str, Any]]]:
    """The errors of each statement, by its name; only of those that have any."""
    said = subprocess.run(["node", checker], input=json.dumps(statements), capture_output=True, text=True, check=True).stdout
    return {verdict["name"]: verdict["errors"] for verdict in json.loads(said) if verdict["errors"]}


def test_every_file_is_of_its_grammar(checker: Path) -> None:
    statements = [
        {"name": f"{path.parent.name}/{path.stem}", "dialect": "hive" if path.parent.name == "ddl" else "trino", "text": SETTINGS.fill(path.read_text(encoding="utf-8"))}
        for path in [*ddl_files(), *view_files(), *query_files()]
    ]
    assert len(statements) > 45
    assert errors(checker, statements) == {}


def test_the_grammars_tell_right_from_wrong(checker: Path) -> None:
    """The control: of these pairs the first is right and the second wrong, by a detail that a lax parser lets pass."""
    pairs = {
        "trino": [
            ("SELECT count(*) FILTER (WHERE a) FROM t", "SELECT count(*) FILTER (a) FROM t"),
            ("SELECT a FROM t CROSS JOIN UNNEST(b) AS u (c)", "SELECT a FROM t CROSS JOIN UNNEST b AS u (c)"),
            ("SELECT a FROM t WHERE b = ?", "SELECT a FROM t WHERE b = ??"),
            ("SELECT a FROM t ORDER BY a NULLS LAST", "SELECT a FROM t ORDER BY a NULL LAST"),
        ],
        "hive": [
            ("CREATE EXTERNAL TABLE t (a string) PARTITIONED BY (dt string) LOCATION 's3://b/t/'", "CREATE EXTERNAL TABLE t (a string,) PARTITIONED BY (dt string) LOCATION 's3://b/t/'"),
            ("CREATE EXTERNAL TABLE t (a string) TBLPROPERTIES ('x' = 'y')", "CREATE EXTERNAL TABLE t (a string) TBLPROPERTIES ('x' 'y')"),
        ],
    }
    statements = [
        {"name": f"{dialect} {number} {verdict}", "dialect": dialect, "text": text}
        for dialect, found in pairs.items() for number, pair in enumerate(found) for verdict, text in zip(("right", "wrong"), pair, strict=True)
    ]
    wrong = {statement["name"] for statement in statements if statement["name"].endswith("wrong")}
    assert set(errors(checker, statements)) == wrong
