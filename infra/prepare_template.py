#!/usr/bin/env python3
"""Writes the template that `make deploy` deploys: infra/template.yaml with built functions, or with a rollout in steps.

Beside it: the nested templates, and the package of the scheduled tasks.

--functions DIRECTORY   take the functions of a release instead of building them. The directory contains
                        <function>/bootstrap for each function and SHA256SUMS, as `make package` writes them; every
                        file is compared with its checksum
--rollout NAME          let CodeDeploy move webhooks to the new version of ingest in steps, and back if an alarm rings:
                        Canary10Percent5Minutes, Linear10PercentEvery1Minute and the like
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import sys
from pathlib import Path

from tasks_package import PackageError, write_package

INFRA = Path(__file__).resolve().parent
ALIAS = "      AutoPublishAlias: live\n"
# While new and old version answer side by side, these alarms end the rollout.
ROLLOUT_ALARMS = ("IngestErrorsAlarm", "ServerErrorAlarm", "RefusedAlarm")


class TemplateError(ValueError):
    """The release or the rollout cannot be used. The text says why."""


def check_release(release: Path) -> None:
    """Raises TemplateError if a file of the release is missing or differs from its checksum."""
    sums = release / "SHA256SUMS"
    if not sums.is_file():
        raise TemplateError(f"{sums} is missing: FUNCTIONS must name the directory of an unpacked release")
    for line in sums.read_text().splitlines():
        checksum, name = line.split(maxsplit=1)
        path = release / name.lstrip("*")
        if not path.is_file():
            raise TemplateError(f"{path} is missing")
        if hashlib.sha256(path.read_bytes()).hexdigest() != checksum:
            raise TemplateError(f"{path} differs from its checksum in {sums}: download the release again")


def with_binaries(template: str, release: Path) -> str:
    """The template with `CodeUri` of each function set to its directory in the release."""

    def replace(match: re.Match[str]) -> str:
        directory = release / match["binary"]
        if not (directory / "bootstrap").is_file():
            raise TemplateError(f"{directory / 'bootstrap'} is missing")
        return f"{match['before']}CodeUri: {directory.resolve()}\n"

    pattern = r"(?P<before>        Binary: (?P<binary>\w+)\n(?:(?!CodeUri).*\n)*? +)CodeUri: \.\.\n"
    text, count = re.subn(pattern, replace, template)
    if count != template.count("CodeUri: ..\n"):
        raise TemplateError("a function of the template names no binary")
    return text


def with_rollout(template: str, name: str) -> str:
    """The template with a deployment of ingest in steps; `name` is one of CodeDeploy's configurations for Lambda."""
    if not re.fullmatch(r"(Canary10Percent\d+Minutes|Linear10PercentEvery\d+Minutes?)", name):
        raise TemplateError(f"ROLLOUT is {name!r}; use Canary10Percent5Minutes or Linear10PercentEvery1Minute")
    if template.count(ALIAS) != 1:
        raise TemplateError("exactly one function of the template must have an alias")
    alarms = "".join(f"          - !Ref {alarm}\n" for alarm in ROLLOUT_ALARMS)
    preference = f"      DeploymentPreference:\n        Type: {name}\n        Alarms:\n{alarms}"
    return template.replace(ALIAS, ALIAS + preference)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--functions", type=Path)
    parser.add_argument("--rollout")
    parser.add_argument("--output", type=Path, required=True, help="directory for the templates and what they name")
    arguments = parser.parse_args()
    text = (INFRA / "template.yaml").read_text(encoding="utf-8")
    try:
        if arguments.rollout:
            text = with_rollout(text, arguments.rollout)
        if arguments.functions:
            check_release(arguments.functions)
            text = with_binaries(text, arguments.functions)
    except TemplateError as error:
        print(f"prepare_template: {error}", file=sys.stderr)
        return 1
    text = text.replace("CodeUri: ..\n", f"CodeUri: {INFRA.parent}\n")
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "template.yaml").write_text(text, encoding="utf-8")
    for nested in ("tables.yaml", "scheduled_tasks.yaml"):
        shutil.copy(INFRA / nested, arguments.output)
    try:
        # scheduled_tasks.yaml names this directory.
        write_package(arguments.output / "tasks")
    except PackageError as error:
        print(f"prepare_template: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
