"""`make quicksight` with a stand-in of the AWS CLI that notes how it is called."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import yaml

from binaries import ROOT

PRINCIPAL = "arn:aws:quicksight:eu-west-1:111122223333:user/default/analyst"
OUTPUTS = {
    "DatabaseName": "whatsapp",
    "WorkGroupName": "whatsapp",
    "TimeZone": "Asia/Kolkata",
    "AttributionHours": "48",
    "FirstDay": "2025-01-01",
}
STAND_IN = f"""#!/usr/bin/env python3
import json, os, re, sys
outputs = {OUTPUTS!r}
with open(os.environ["CALLS"], "a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + chr(10))
if "describe-stacks" in sys.argv:
    if sys.argv[sys.argv.index("--stack-name") + 1] != "bluetick":
        sys.exit("Stack with id elsewhere does not exist")
    print(outputs[re.search(r"OutputKey=='(\\w+)'", sys.argv[-1]).group(1)])
"""


def run(work: Path, **variables: str) -> tuple[subprocess.CompletedProcess[str], list[list[str]]]:
    aws = work / "bin" / "aws"
    aws.parent.mkdir()
    aws.write_text(STAND_IN, encoding="utf-8")
    aws.chmod(0o755)
    calls = work / "calls"
    calls.touch()
    environment = {
        **os.environ,
        "PATH": f"{aws.parent}:{os.environ['PATH']}",
        "CALLS": str(calls),
        "AWS_REGION": "eu-west-1",
    }
    for name in ("STACK", "DAYS", "PRINCIPAL"):
        environment.pop(name, None)
    script = ROOT / "infra" / "deploy_quicksight.sh"
    result = subprocess.run([script], env={**environment, **variables}, capture_output=True, text=True, check=False)
    return result, [json.loads(line) for line in calls.read_text(encoding="utf-8").splitlines()]


def test_the_template_gets_the_outputs_of_the_stack(tmp_path: Path) -> None:
    result, calls = run(tmp_path, PRINCIPAL=PRINCIPAL, DAYS="30")
    assert result.returncode == 0, result.stderr
    deploy = calls[-1]
    assert deploy[deploy.index("--stack-name") + 1] == "bluetick-quicksight"
    given = dict(pair.split("=", 1) for pair in deploy[deploy.index("--parameter-overrides") + 1 :])
    assert given == {"Principal": PRINCIPAL, "Days": "30", **OUTPUTS}
    template = ROOT / deploy[deploy.index("--template-file") + 1]
    assert set(given) <= set(yaml.safe_load(template.read_text(encoding="utf-8"))["Parameters"])


def test_a_stack_that_does_not_exist_deploys_nothing(tmp_path: Path) -> None:
    result, calls = run(tmp_path, PRINCIPAL=PRINCIPAL, STACK="elsewhere")
    assert result.returncode != 0
    assert "does not exist" in result.stderr
    assert [call for call in calls if "deploy" in call] == []


def test_without_a_principal_nothing_is_asked(tmp_path: Path) -> None:
    result, calls = run(tmp_path)
    assert result.returncode != 0
    assert "PRINCIPAL" in result.stderr
    assert calls == []
