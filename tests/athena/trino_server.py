"""Finds or fetches a Trino server, configures it like Athena as far as that goes, starts and stops it on loopback.

The Hive connector reads the tables as Athena holds them: symlink manifests and partition projection, written into a
file metastore from `sql/schema.json`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tarfile
import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

from bluetick_sql.schema import Column, Table, read_tables
from bluetick_sql.statements import Settings, read_statement, view_files
from bluetick_sql.trino_client import TrinoEngine
from ports import free_port

# The newest server that each version of Java can run, of those on Maven Central: (least Java, Trino).
_VERSIONS = [(24, "476"), (23, "470"), (17, "435")]
_START_SECONDS = 600
_FETCH_SECONDS = 1800


class NoTrino(RuntimeError):
    """Trino cannot be had on this machine; the message says why."""


def _cache() -> Path:
    return Path(os.environ.get("BLUETICK_CACHE", Path.home() / ".cache" / "bluetick")) / "trino"


def find_java() -> tuple[Path, int]:
    """The newest Java of this machine and its version: JAVA_HOME, the PATH, and where distributions put theirs."""
    places = [Path(os.environ["JAVA_HOME"]) / "bin" / "java"] if "JAVA_HOME" in os.environ else []
    places += [Path(found)] if (found := shutil.which("java")) else []
    places += sorted(Path("/usr/lib/jvm").glob("*/bin/java"))
    versions: list[tuple[int, Path]] = []
    for java in places:
        if not java.is_file():
            continue
        said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
        if match := re.search(r'version "(\d+)', said):
            versions.append((int(match.group(1)), java))
    if not versions:
        raise NoTrino("no Java was found: install a JDK, 24 or newer, or set JAVA_HOME")
    version, java = max(versions, key=lambda found: found[0])
    return java, version


def find_server() -> tuple[Path, Path]:
    """Java and the directory of a Trino server that runs on it.

    The server is fetched with Maven into the cache if need be.
    """
    java, version = find_java()
    if given := os.environ.get("TRINO_SERVER_DIR"):
        return java, Path(given)
    trino = next((trino for least, trino in _VERSIONS if version >= least), None)
    if trino is None:
        raise NoTrino(f"java {version} runs no Trino that can be fetched: install a JDK, 24 or newer")
    home = _cache() / f"trino-server-{trino}"
    if not (home / "lib").is_dir():
        _fetch(trino, home)
    return java, home


def _fetch(version: str, home: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise NoTrino("Trino is not in the cache and mvn is not installed to fetch it")
    folder = home.parent
    folder.mkdir(parents=True, exist_ok=True)
    artifact = f"io.trino:trino-server:{version}:tar.gz"
    fetched = subprocess.run(
        [maven, "--batch-mode", "--quiet", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=_FETCH_SECONDS,
    )
    archive = folder / f"trino-server-{version}.tar.gz"
    if fetched.returncode != 0 or not archive.is_file():
        reason = next((line for line in fetched.stdout.splitlines() if "ERROR" in line), "no reason given")
        raise NoTrino(f"Maven cannot fetch {artifact}: {reason}")
    staging = folder / f".{version}"
    shutil.rmtree(staging, ignore_errors=True)
    with tarfile.open(archive) as tar:
        tar.extractall(staging, filter="data")
    (staging / f"trino-server-{version}").rename(home)
    shutil.rmtree(staging)
    archive.unlink()


def _metastore_column(column: Column) -> dict[str, Any]:
    return {"name": column.name, "type": column.type, "properties": {}}


def write_metastore(root: Path, tables: list[Table], settings: Settings) -> None:
    """The tables as a file metastore holds them.

    Trino has no statement that makes a symlink table, so its JSON is written.
    """
    (root / settings.database).mkdir(parents=True)
    database = {
        "databaseName": settings.database,
        "parameters": {},
        "ownerName": "bluetick",
        "ownerType": "USER",
        "writerVersion": "476",
    }
    (root / f".{settings.database}.trinoSchema").write_text(json.dumps(database), encoding="utf-8")
    for table in tables:
        folder = root / settings.database / table.name
        folder.mkdir()
        definition = {
            "owner": "bluetick",
            "tableType": "EXTERNAL_TABLE",
            "dataColumns": [_metastore_column(column) for column in table.columns],
            "partitionColumns": [_metastore_column(table.partition)],
            "parameters": {
                "EXTERNAL": "TRUE",
                **{name: settings.fill(value) for name, value in table.properties.items()},
            },
            "originalStorageFormat": {
                "serde": table.serde,
                "inputFormat": table.input_format,
                "outputFormat": table.output_format,
            },
            "serdeParameters": {},
            "externalLocation": settings.fill(table.location).rstrip("/"),
            "columnStatistics": {},
            "writerVersion": "476",
        }
        (folder / ".trinoSchema").write_text(json.dumps(definition), encoding="utf-8")


class TrinoServer:
    """One coordinator without workers, on loopback, with one catalog `hive`. Databases are added while it runs."""

    def __init__(self, work: Path) -> None:
        """Starts it; its files go to `work`. Raises NoTrino if it cannot be had or does not come up."""
        java, home = find_server()
        self.metastore = work / "metastore"
        self.metastore.mkdir(parents=True)
        self.port = free_port()
        self._log = (work / "server.log").open("wb")
        self._configure(work, home)
        options = [
            "-Xmx2G",
            "-XX:+ExitOnOutOfMemoryError",
            "-Dfile.encoding=UTF-8",
            "--enable-native-access=ALL-UNNAMED",
            "--add-modules=jdk.incubator.vector",
        ]
        node = {
            "node.environment": "test",
            "node.id": "bluetick",
            "node.bind-ip": "127.0.0.1",
            "node.internal-address": "127.0.0.1",
            "node.data-dir": work / "data",
            "plugin.dir": work / "plugin",
            "catalog.config-dir": work / "catalog",
            "config": work / "config.properties",
        }
        self._process = subprocess.Popen(
            [
                java,
                *options,
                *(f"-D{name}={value}" for name, value in node.items()),
                "-cp",
                f"{home}/lib/*",
                "io.trino.server.TrinoServer",
            ],
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def _configure(self, work: Path, home: Path) -> None:
        (work / "plugin").mkdir()
        (work / "plugin" / "hive").symlink_to(home / "plugin" / "hive")
        (work / "config.properties").write_text(
            f"coordinator=true\nnode-scheduler.include-coordinator=true\nhttp-server.http.port={self.port}\n"
            f"discovery.uri=http://127.0.0.1:{self.port}\nquery.max-memory-per-node=900MB\n",
            encoding="utf-8",
        )
        (work / "catalog").mkdir()
        (work / "catalog" / "hive.properties").write_text(
            f"connector.name=hive\nhive.metastore=file\nhive.metastore.catalog.dir={self.metastore.as_uri()}\n"
            "hive.metastore.disable-location-checks=true\nfs.hadoop.enabled=true\nhive.parquet.time-zone=UTC\n"
            "hive.partition-projection-enabled=true\nhive.ignore-absent-partitions=true\n"
            # Small files are otherwise read whole, and near columns together: what is needed would not be told from
            # what is read.
            "parquet.small-file-threshold=0B\nparquet.max-merge-distance=0B\n",
            encoding="utf-8",
        )

    def _wait(self) -> None:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            if self._process.poll() is not None:
                raise NoTrino(f"Trino ended with status {self._process.returncode}; see {self._log.name}")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/v1/info", timeout=5) as answer:
                    if not json.load(answer)["starting"] and self._answers():
                        return
            except (urllib.error.URLError, OSError):
                pass
            time.sleep(0.5)
        raise NoTrino(f"Trino did not start within {_START_SECONDS} s; see {self._log.name}")

    def _answers(self) -> bool:
        from trino.exceptions import TrinoQueryError

        try:
            TrinoEngine(Settings(database="default"), "127.0.0.1", self.port).execute("SELECT 1")
        except TrinoQueryError:  # no node has announced itself yet
            return False
        return True

    def database(self, lake: Path, settings: Settings) -> TrinoEngine:
        """Makes a database of this name over a lake: the tables from the DDL, the views from their own statements."""
        filled = replace(settings, lake=lake.resolve().as_uri())
        write_metastore(self.metastore, read_tables(), filled)
        engine = TrinoEngine(filled, "127.0.0.1", self.port)
        for path in view_files():
            engine.execute(filled.fill(read_statement(path).text))
        return engine

    def stop(self) -> None:
        """Ends the server, and waits until it is gone."""
        self._process.terminate()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
