"""The scripts of infra/: what they do where something is missing, and in which order they make views."""

from __future__ import annotations

import hashlib
import itertools
import shutil
import subprocess
from pathlib import Path

import pytest

import costs
import create_views
import generate
from bluetick_sql.statements import Settings, Statement, view_files
from emulator import ROOT, load_template


class Athena:
    """Answers RUNNING once for each statement, then the state that is asked for."""

    def __init__(self, fails_at: int | None = None):
        self.statements: list[dict] = []
        self.looks = 0
        self.fails_at = fails_at

    def start_query_execution(self, **request) -> dict:
        self.statements.append(request)
        self.looks = 0
        return {"QueryExecutionId": str(len(self.statements))}

    def get_query_execution(self, QueryExecutionId: str) -> dict:  # noqa: N803 (Athena's name)
        self.looks += 1
        fails = int(QueryExecutionId) == self.fails_at
        state = "RUNNING" if self.looks == 1 else "FAILED" if fails else "SUCCEEDED"
        return {"QueryExecution": {"Status": {"State": state, "StateChangeReason": "line 3: no such column"}}}


def test_views_are_made_one_by_one_in_their_order() -> None:
    athena, pauses = Athena(), []
    settings = Settings(database="marketing", lake="s3://lake", timezone="Asia/Kolkata")
    names = create_views.create_views(athena, "group", settings, pauses.append)
    assert names == sorted(names) == [path.stem for path in view_files()] and len(names) > 3
    assert len(pauses) == len(names)
    for request in athena.statements:
        assert "${" not in request["QueryString"] and "marketing." in request["QueryString"]
        assert request["WorkGroup"] == "group"


def test_a_refused_view_ends_it_with_the_reason() -> None:
    athena = Athena(fails_at=2)
    with pytest.raises(create_views.ViewError, match="no such column"):
        create_views.create_views(athena, "group", Settings(), lambda seconds: None)
    assert len(athena.statements) == 2


@pytest.mark.parametrize(
    "query",
    [
        Statement("with-hyphen", "SELECT 1 FROM ${database}.clicks"),
        Statement("unknown", "SELECT ${secret} FROM ${database}.clicks"),
    ],
)
def test_a_query_that_athena_could_not_keep_is_refused(query: Statement) -> None:
    with pytest.raises(ValueError, match=query.name):
        generate.query_resource(query)


def machine(directory: Path, host: str, targets: list[str], programs: list[str]) -> dict[str, str]:
    """A machine with this Rust: a `rustc` that says so, and programs that write down when they are called."""
    for target in targets:
        (directory / target).mkdir()
    scripts = {
        "rustc": f'case "$1" in --version) echo "host: {host}";; --print) echo "{directory}/$4";; esac',
        **{program: f'echo "{program} $*" >> {directory}/called' for program in programs},
    }
    for name, script in scripts.items():
        path = directory / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    return {"PATH": f"{directory}:/usr/bin:/bin", "HOME": str(directory)}


def package(environment: dict[str, str], **variables: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(ROOT / "infra" / "package.sh")]
    return subprocess.run(command, env={**environment, **variables}, capture_output=True, text=True, check=False)


X86, ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"


def test_a_missing_target_is_told_and_nothing_is_downloaded(tmp_path: Path) -> None:
    result = package(machine(tmp_path, X86, [X86], ["cargo", "cargo-lambda", "rustup"]))
    assert result.returncode == 3
    assert f"rustup target add {ARM}" in result.stderr and "ARCH=x86_64" in result.stderr
    assert not (tmp_path / "called").exists()


def test_a_missing_linker_is_told(tmp_path: Path) -> None:
    environment = machine(tmp_path, X86, [X86, ARM], ["cargo", "cargo-lambda", "rustup"])
    # The machine may have a linker of its own; then there is nothing to tell.
    environment["PATH"] = str(tmp_path)
    for program in ("bash", "dirname", "sed", "tr", "cat"):
        (tmp_path / program).symlink_to(f"/usr/bin/{program}")
    command = ["/usr/bin/bash", str(ROOT / "infra" / "package.sh")]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 3
    assert "gcc-aarch64-linux-gnu" in result.stderr
    assert not (tmp_path / "called").exists()


def test_the_other_architecture_is_built_with_its_target(tmp_path: Path) -> None:
    environment = machine(tmp_path, ARM, [ARM, X86], ["cargo", "cargo-lambda", "x86_64-linux-gnu-gcc"])
    package(environment, ARCH="x86_64")
    called = (tmp_path / "called").read_text()
    assert called.startswith("cargo lambda build --release --locked --compiler cargo --target x86_64-unknown-linux-gnu")
    assert called.rstrip().endswith("--bin ingest --bin transform --bin sweep")


@pytest.mark.parametrize(("needs", "status"), [("GLIBC_2.34", 0), ("GLIBC_2.39", 4)])
def test_sizes_and_checksums_are_printed_and_a_too_new_glibc_is_refused(
    tmp_path: Path, needs: str, status: int
) -> None:
    environment = machine(tmp_path, X86, [X86], ["cargo-lambda"])
    (tmp_path / "infra").mkdir()
    for name in ("package.sh", "toolchain.sh"):
        shutil.copy(ROOT / "infra" / name, tmp_path / "infra")
    content = f"GLIBC_2.9 {needs}".encode()
    cargo = tmp_path / "cargo"
    cargo.write_text(
        "#!/bin/sh\nfor name in ingest transform sweep; do\n"
        f"mkdir -p target/lambda/$name && printf '{content.decode()}' > target/lambda/$name/bootstrap\ndone\n"
    )
    cargo.chmod(0o755)
    command = ["bash", str(tmp_path / "infra" / "package.sh")]
    result = subprocess.run(command, env={**environment, "ARCH": "x86_64"}, capture_output=True, text=True, check=False)
    assert result.returncode == status, result.stderr
    assert hashlib.sha256(content).hexdigest() in result.stdout and f" {len(content)} " in result.stdout
    assert status == 0 or "older distribution" in result.stderr


def test_an_unknown_architecture_is_refused(tmp_path: Path) -> None:
    result = package(machine(tmp_path, X86, [X86], []), ARCH="riscv")
    assert result.returncode == 2 and "arm64 or x86_64" in result.stderr


def test_the_table_of_costs_is_that_of_the_calculation() -> None:
    assert costs.table() in (ROOT / "docs" / "costs.md").read_text(encoding="utf-8")
    columns = [costs.costs(millions * costs.MILLION) for millions in (1, 10, 100, 1000)]
    assert all(smaller[item] <= larger[item] for smaller, larger in itertools.pairwise(columns) for item in smaller)


def test_the_calculation_counts_the_alarms_that_there_are() -> None:
    alarms = [
        item["Properties"] for item in load_template()["Resources"].values() if item["Type"] == "AWS::CloudWatch::Alarm"
    ]
    metrics = sum(
        len([query for query in alarm.get("Metrics", [{"MetricStat": 1}]) if "MetricStat" in query]) for alarm in alarms
    )
    assert metrics == costs.ALARM_METRICS
