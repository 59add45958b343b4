"""The workflows of infra/ for GitHub Actions: their commands exist, and the release publishes what an operator needs.

GitHub itself is not here: the steps that are commands are run, with doubles of `make` and `gh`; those that are actions
are compared with what they need.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from binaries import ROOT
from template_rules import as_list
from test_contributing import make_targets

WORKFLOWS = sorted((ROOT / "infra").glob("github_actions*.yaml"))
RELEASE = ROOT / "infra" / "github_actions_release.yaml"
ARCHITECTURES = ("arm64", "x86_64")
VERSION = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(encoding="utf-8"), re.M)[1]


def load(path: Path) -> dict:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    # YAML 1.1 reads the key `on` as true.
    return {"on": workflow.pop(True), **workflow}


def commands(job: dict) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def actions(job: dict) -> list[str]:
    return [step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_command_of_a_workflow_exists(path: Path) -> None:
    jobs = load(path)["jobs"]
    named = [command for job in jobs.values() for command in commands(job)]
    assert named
    for command in named:
        assert set(re.findall(r"\bmake ([a-z-]+)", command)) <= make_targets(), command
        for script in re.findall(r"\binfra/[\w.]+", command):
            assert os.access(ROOT / script, os.X_OK), script
    # A version of each action, and rights that are written out.
    assert all("@" in step["uses"] for job in jobs.values() for step in job["steps"] if "uses" in step)
    assert isinstance(load(path)["permissions"], dict)


def may(job: dict, right: str) -> bool:
    return job.get("permissions", load(RELEASE)["permissions"]).get(right) == "write"


def test_only_the_job_that_needs_a_right_has_it() -> None:
    jobs = load(RELEASE)["jobs"]
    assert [name for name, job in jobs.items() if may(job, "contents")] == ["publish"]
    assert [name for name, job in jobs.items() if may(job, "attestations")] == ["build"]
    assert [name for name, job in jobs.items() if may(job, "id-token")] == ["build"]
    # What was attested is what is published: no build, and no code of the repository, in the job that may write.
    assert "actions/checkout" not in actions(jobs["publish"])
    assert set(jobs["publish"]["needs"]) == {"build", "test"}


def test_each_processor_is_built_on_a_machine_of_its_kind() -> None:
    build = load(RELEASE)["jobs"]["build"]
    machines = {item["architecture"]: item["machine"] for item in build["strategy"]["matrix"]["include"]}
    assert tuple(sorted(machines)) == ARCHITECTURES
    assert {name: machine.endswith("-arm") for name, machine in machines.items()} == {"arm64": True, "x86_64": False}
    assert build["env"]["ARCH"] == "${{ matrix.architecture }}" and build["runs-on"] == "${{ matrix.machine }}"


# What `make test-package KEEP=…` leaves.
PACKAGE = """#!/bin/bash
set -e
[ "$1 $2" = "test-package KEEP=release-builds" ]
name=bluetick-{version}-$ARCH
for copy in a a-longer-name; do
    mkdir -p release-builds/$copy/dist/$name
    cd release-builds/$copy/dist
    echo "$ARCH" > $name/bootstrap
    echo "{{}}" > $name/bluetick.cdx.json
    tar -czf $name.tar.gz $name
    sha256sum -- $name.tar.gz > $name.tar.gz.sha256
    cd ../../..
done
"""
GH = """#!/bin/bash
printf '%s\\n' "$@" > ../published
"""


def program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def run(command: str, directory: Path, programs: Path, **variables: str) -> None:
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "GITHUB_REPOSITORY": "example/bluetick", **variables}
    subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=directory, env=environment, check=True)


def test_the_steps_of_a_release_publish_both_processors_with_checksums_and_bills(tmp_path: Path) -> None:
    jobs, programs, published = load(RELEASE)["jobs"], tmp_path / "programs", tmp_path / "publish" / "dist"
    programs.mkdir()
    published.mkdir(parents=True)
    program(programs / "make", PACKAGE.format(version=VERSION))
    program(programs / "gh", GH.replace("../published", str(tmp_path / "published")))
    for architecture in ARCHITECTURES:
        checkout = tmp_path / architecture
        (checkout / "infra").mkdir(parents=True)
        for name in ("check_release_tag.sh", "release_name.sh"):
            shutil.copy2(ROOT / "infra" / name, checkout / "infra")
        shutil.copy2(ROOT / "Cargo.toml", checkout)
        for command in commands(jobs["build"]):
            run(command, checkout, programs, ARCH=architecture, TAG=f"v{VERSION}")
        # As actions/upload-artifact and actions/download-artifact with merge-multiple do.
        [upload] = [step for step in jobs["build"]["steps"] if "upload-artifact" in step.get("uses", "")]
        shutil.copytree(checkout / upload["with"]["path"], published, dirs_exist_ok=True)
        [attest] = [step for step in jobs["build"]["steps"] if "attest" in step.get("uses", "")]
        assert [path.name for path in checkout.glob(attest["with"]["subject-path"])] == [
            f"bluetick-{VERSION}-{architecture}.tar.gz"
        ]
    for step in jobs["publish"]["steps"]:
        if "run" in step:
            directory = published.parent / step.get("working-directory", "")
            run(step["run"], directory, programs, TAG=f"v{VERSION}")
    arguments = (tmp_path / "published").read_text().splitlines()
    assert arguments[:3] == ["release", "create", f"v{VERSION}"] and "--verify-tag" in arguments
    endings = (".cdx.json", ".tar.gz", ".tar.gz.sha256")
    expected = {f"dist/bluetick-{VERSION}-{name}{ending}" for name in ARCHITECTURES for ending in endings}
    assert {argument for argument in arguments if argument.startswith("dist/")} == expected


@pytest.mark.parametrize(("tag", "status"), [(f"v{VERSION}", 0), (VERSION, 1), ("v0.0.9", 1), (f"v{VERSION}-x", 1)])
def test_a_tag_names_the_version(tag: str, status: int) -> None:
    for architecture in ARCHITECTURES:
        command = [str(ROOT / "infra" / "check_release_tag.sh"), tag]
        environment = {**os.environ, "ARCH": architecture}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr
        assert status == 0 or f"v{VERSION}" in done.stderr


def test_the_role_of_the_pipeline_may_make_every_resource_of_the_stack() -> None:
    """The service of each type of resource: CloudFormation makes them with the permissions of this role."""
    from samtranslator.yaml_helper import yaml_parse

    role = yaml_parse((ROOT / "infra" / "pipeline.yaml").read_text(encoding="utf-8"))["Resources"]["Role"]
    statements = role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    allowed = {action.partition(":")[0] for item in statements for action in as_list(item["Action"])}
    names = {"apigatewayv2": "apigateway", "kinesisfirehose": "firehose", "serverless": "lambda"}
    types = {
        item["Type"].split("::")[1].lower()
        for path in ("template.yaml", "tables.yaml")
        for item in yaml_parse((ROOT / "infra" / path).read_text(encoding="utf-8"))["Resources"].values()
    }
    assert len(types) > 10
    assert {names.get(name, name) for name in types} - allowed == set()
    # KmsKeyArn and ROLLOUT.
    assert {"kms", "codedeploy"} <= allowed
