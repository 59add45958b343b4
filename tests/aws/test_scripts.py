"""The scripts of infra/ that need no stack: generation, toolchain, packaging, checks of binaries, costs."""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from samtranslator.yaml_helper import yaml_parse

import check_binaries
import costs
import prepare_template
from binaries import binary
from emulator import FUNCTIONS, ROOT, architecture, load_template


def machine(directory: Path, host: str, targets: list[str], programs: list[str]) -> dict[str, str]:
    """A machine with this Rust: a fake `rustc`, and fake programs that record their calls."""
    for target in targets:
        (directory / target).mkdir(exist_ok=True)
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
    # Only these programs: this machine may have such a linker.
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
    assert called.startswith(
        "cargo lambda build --release --locked --compiler cargo"
        " --package bluetick-ingest --package bluetick-transform --target x86_64-unknown-linux-gnu"
    )
    assert called.rstrip().endswith("--bin ingest --bin transform --bin sweep")


def elf(architecture: str, glibc: str = "GLIBC_2.34") -> bytes:
    """The beginning of an ELF file for the processor, and symbol versions."""
    number = {"x86_64": 62, "arm64": 183}[architecture]
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 3, number)
    return header + b"\x00GLIBC_2.9\x00" + glibc.encode() + b"\x00"


@pytest.mark.parametrize(
    ("content", "architecture", "problem"),
    [
        (elf("arm64"), "arm64", None),
        (elf("x86_64"), "x86_64", None),
        (elf("arm64"), "x86_64", "is for arm64"),
        (elf("x86_64"), "arm64", "is for x86_64"),
        (elf("x86_64", "GLIBC_2.39"), "x86_64", "needs GLIBC_2.39"),
        (b"#!/bin/sh", "x86_64", "no ELF file"),
    ],
)
def test_a_binary_that_cannot_start_on_lambda_is_refused(
    content: bytes, architecture: str, problem: str | None
) -> None:
    found = check_binaries.problem(content, architecture)
    assert found is None if problem is None else problem in str(found)


def test_the_binaries_of_this_machine_pass_the_check_for_its_architecture() -> None:
    content = binary("ingest").read_bytes()
    assert check_binaries.machine(content) == architecture()
    assert (2, 2) < check_binaries.newest_glibc(content) < (3, 0)


def fake_release_build(tmp_path: Path, glibc: str = "GLIBC_2.34") -> subprocess.CompletedProcess[str]:
    """`package.sh` in a copy of the scripts, with a `cargo` that builds nothing."""
    environment = machine(tmp_path, X86, [X86], ["cargo-lambda"])
    shutil.copytree(
        ROOT / "infra", tmp_path / "infra", ignore=shutil.ignore_patterns(".build", "__pycache__"), dirs_exist_ok=True
    )
    (tmp_path / "Cargo.toml").write_text('[workspace.package]\nversion = "1.2.3"\n')
    (tmp_path / "Cargo.lock").write_text('[[package]]\nname = "serde"\nversion = "1.0.0"\nchecksum = "abc"\n')
    (tmp_path / "elf").write_bytes(elf("x86_64", glibc))
    kinds = [{"kind": None, "target": None}]
    members = {name: f"path+file:///{name}#1.2.3" for name in ("ingest", "transform", "sweep")}
    packages = [
        {
            "id": key,
            "name": f"bluetick-{name}",
            "version": "1.2.3",
            "license": None,
            "targets": [{"name": name, "kind": ["bin"]}],
        }
        for name, key in members.items()
    ]
    packages.append({"id": "serde", "name": "serde", "version": "1.0.0", "license": "MIT/Apache-2.0", "targets": []})
    packages.append({"id": "tests", "name": "tests-only", "version": "1.0.0", "license": None, "targets": []})
    development = {"name": "tests_only", "pkg": "tests", "dep_kinds": [{"kind": "dev", "target": None}]}
    nodes = [
        {"id": key, "deps": [{"name": "serde", "pkg": "serde", "dep_kinds": kinds}, development]}
        for key in members.values()
    ] + [{"id": "serde", "deps": []}, {"id": "tests", "deps": []}]
    resolved = {"packages": packages, "workspace_members": list(members.values()), "resolve": {"nodes": nodes}}
    (tmp_path / "metadata.json").write_text(json.dumps(resolved))
    cargo = tmp_path / "cargo"
    cargo.write_text(
        f'#!/bin/sh\necho "cargo $*" >> {tmp_path}/called\n[ "$1" = metadata ] && exec cat {tmp_path}/metadata.json\n'
        "for name in ingest transform sweep; do\n"
        "mkdir -p target/lambda/$name && cp elf target/lambda/$name/bootstrap\ndone\n"
    )
    cargo.chmod(0o755)
    environment["PATH"] = f"{tmp_path}:{Path(sys.executable).parent}:/usr/bin:/bin"
    command = ["bash", str(tmp_path / "infra" / "package.sh")]
    return subprocess.run(command, env={**environment, "ARCH": "x86_64"}, capture_output=True, text=True, check=False)


def test_a_release_has_checksums_and_a_bill_of_materials_and_the_same_bytes_twice(tmp_path: Path) -> None:
    result = fake_release_build(tmp_path)
    assert result.returncode == 0, result.stderr
    release = tmp_path / "dist" / "bluetick-1.2.3-x86_64"
    checksum = hashlib.sha256(elf("x86_64")).hexdigest()
    sums = (release / "SHA256SUMS").read_text().splitlines()
    assert [line.split()[1] for line in sums] == [
        "ingest/bootstrap",
        "sweep/bootstrap",
        "transform/bootstrap",
        "bluetick.cdx.json",
    ]
    assert sums[0].startswith(checksum) and checksum in result.stdout
    bill = json.loads((release / "bluetick.cdx.json").read_text())
    assert {item["name"] for item in bill["components"]} == {
        "serde",
        "bluetick-ingest",
        "bluetick-transform",
        "bluetick-sweep",
    }
    serde = next(item for item in bill["components"] if item["name"] == "serde")
    assert serde["hashes"] == [{"alg": "SHA-256", "content": "abc"}]
    assert serde["licenses"] == [{"expression": "MIT OR Apache-2.0"}]
    first = (tmp_path / "dist" / "bluetick-1.2.3-x86_64.tar.gz").read_bytes()
    assert fake_release_build(tmp_path).returncode == 0
    assert (tmp_path / "dist" / "bluetick-1.2.3-x86_64.tar.gz").read_bytes() == first
    assert "--release --locked" in (tmp_path / "called").read_text()


def test_a_release_that_needs_a_newer_glibc_is_refused(tmp_path: Path) -> None:
    result = fake_release_build(tmp_path, "GLIBC_2.39")
    assert result.returncode == 4 and "older distribution" in result.stderr
    assert not list((tmp_path / "dist").glob("*.tar.gz"))


# A packer whose result is always the same, and one whose result depends on the directory.
SAME, OWN_PATH = "same", "$PWD"


@pytest.mark.parametrize(("content", "status"), [(SAME, 0), (OWN_PATH, 1)])
def test_two_packages_of_one_commit_are_compared(tmp_path: Path, content: str, status: int) -> None:
    project = tmp_path / "project"
    (project / "infra").mkdir(parents=True)
    for name in ("check_reproducible.sh", "release_name.sh"):
        shutil.copy(ROOT / "infra" / name, project / "infra")
    (project / "Cargo.toml").write_text('version = "1.2.3"\n')
    packer = project / "infra" / "package.sh"
    packer.write_text(
        '#!/bin/bash\nset -e\ncd "$(dirname "$0")/.."\nname=$(infra/release_name.sh)\nmkdir -p dist/$name\ncd dist\n'
        f'echo "{content}" > $name.tar.gz\nsha256sum $name.tar.gz > $name.tar.gz.sha256\ntouch $name/SHA256SUMS\n'
    )
    packer.chmod(0o755)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for command in ([*git, "init", "--quiet"], [*git, "add", "."], [*git, "commit", "--quiet", "--message", "first"]):
        subprocess.run(command, cwd=project, check=True)
    script = ["bash", str(project / "infra" / "check_reproducible.sh")]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    assert ("differ" in done.stderr) == bool(status)


def release(directory: Path) -> Path:
    for name in ("ingest", "transform", "sweep"):
        (directory / name).mkdir(parents=True)
        (directory / name / "bootstrap").write_bytes(elf("arm64"))
    checksum = hashlib.sha256(elf("arm64")).hexdigest()
    (directory / "SHA256SUMS").write_text(
        "".join(f"{checksum}  {name}/bootstrap\n" for name in ("ingest", "sweep", "transform"))
    )
    return directory


def test_a_release_is_deployed_without_a_build(tmp_path: Path) -> None:
    directory = release(tmp_path / "release")
    prepare_template.check_release(directory)
    text = prepare_template.with_binaries((ROOT / "infra" / "template.yaml").read_text(), directory)
    functions = {
        name: item
        for name, item in yaml_parse(text)["Resources"].items()
        if item["Type"] == "AWS::Serverless::Function"
    }
    assert {name: Path(item["Properties"]["CodeUri"]).name for name, item in functions.items()} == FUNCTIONS


def test_a_rollout_moves_the_alias_in_steps_and_back_on_alarms() -> None:
    source = (ROOT / "infra" / "template.yaml").read_text()
    template = yaml_parse(prepare_template.with_rollout(source, "Canary10Percent5Minutes"))
    preference = template["Resources"]["IngestFunction"]["Properties"]["DeploymentPreference"]
    assert preference["Type"] == "Canary10Percent5Minutes"
    alarms = [alarm["Ref"] for alarm in preference["Alarms"]]
    assert alarms
    assert all(template["Resources"][alarm]["Type"] == "AWS::CloudWatch::Alarm" for alarm in alarms)
    with pytest.raises(prepare_template.TemplateError, match="Canary10Percent5Minutes"):
        prepare_template.with_rollout(source, "AllAtOnceAndPray")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda directory: (directory / "SHA256SUMS").unlink(), "must name the directory"),
        (lambda directory: (directory / "sweep" / "bootstrap").unlink(), "is missing"),
        (lambda directory: (directory / "ingest" / "bootstrap").write_bytes(b"other"), "differs from its checksum"),
    ],
)
def test_a_damaged_release_is_refused(tmp_path: Path, damage, message: str) -> None:
    directory = release(tmp_path / "release")
    damage(directory)
    with pytest.raises(prepare_template.TemplateError, match=message):
        prepare_template.check_release(directory)


def test_an_unknown_architecture_is_refused(tmp_path: Path) -> None:
    result = package(machine(tmp_path, X86, [X86], []), ARCH="riscv")
    assert result.returncode == 2 and "arm64 or x86_64" in result.stderr


def test_the_table_of_costs_is_that_of_the_calculation() -> None:
    page = (ROOT / "docs" / "costs.md").read_text(encoding="utf-8")
    assert costs.table() in page, "write it again: make cost-docs"
    assert costs.tasks_table() in page, "write it again: make cost-docs"
    read = costs.scanned_bytes(100 * costs.MILLION * costs.RECORDS_PER_WEBHOOK)
    assert f"a query of one week reads about {read / costs.GIGABYTE:.1f} GB" in " ".join(page.split())
    archived = f"a million bodies cost about {costs.archive_million():.2f} USD"
    assert archived in " ".join(page.split())
    columns = [costs.costs(millions * costs.MILLION) for millions in (1, 10, 100, 1000)]
    assert all(smaller[item] <= larger[item] for smaller, larger in itertools.pairwise(columns) for item in smaller)


def test_the_calculation_counts_the_alarms_that_there_are() -> None:
    # Those with a condition are off until a parameter switches them on; look-ups are on by default.
    alarms = [
        item["Properties"]
        for item in load_template()["Resources"].values()
        if item["Type"] == "AWS::CloudWatch::Alarm" and item.get("Condition", "HasLookups") == "HasLookups"
    ]
    metrics = sum(
        len([query for query in alarm.get("Metrics", [{"MetricStat": 1}]) if "MetricStat" in query]) for alarm in alarms
    )
    assert metrics == costs.ALARM_METRICS
