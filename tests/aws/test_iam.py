"""Each role allows what its function calls and nothing else."""

from __future__ import annotations

import copy

import pytest
import yaml

import iam_rules
from emulator import ROOT, load_template

RESOURCES = load_template()["Resources"]
DECLARED = yaml.safe_load((ROOT / "infra" / "iam_calls.yaml").read_text())
CODE = iam_rules.calls_of_code(ROOT)
ROLES = {name: RESOURCES[name]["Properties"]["Role"]["Fn::GetAtt"][0] for name in DECLARED["functions"]}
ALLOWED = [
    (role, number, action)
    for role in ROLES.values()
    for number, statement in enumerate(RESOURCES[role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"])
    for action in iam_rules.as_list(iam_rules.unconditional(statement)["Action"])
]


def problems(resources: dict = RESOURCES, declared: dict = DECLARED, code: set[tuple[str, str]] = CODE) -> list[str]:
    return list(iam_rules.problems(resources, declared, code))


def statement_of(resources: dict, role: str, number: int) -> dict:
    return iam_rules.unconditional(resources[role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][number])


def test_roles_allow_what_the_code_calls_and_nothing_else() -> None:
    print(f"calls in the code: {len(CODE)}, permissions: {len(ALLOWED)}")
    assert problems() == []


@pytest.mark.parametrize(("role", "number", "action"), ALLOWED)
def test_a_missing_action_is_seen(role: str, number: int, action: str) -> None:
    resources = copy.deepcopy(RESOURCES)
    statement = statement_of(resources, role, number)
    statement["Action"] = [other for other in iam_rules.as_list(statement["Action"]) if other != action]
    assert any("does not allow " + action in problem for problem in problems(resources))


@pytest.mark.parametrize("role", ROLES.values())
@pytest.mark.parametrize("action", ["s3:DeleteBucket", "s3:GetObjectVersion", "firehose:PutRecord"])
def test_an_action_too_many_is_seen(role: str, action: str) -> None:
    resources = copy.deepcopy(RESOURCES)
    statement = statement_of(resources, role, 0)
    statement["Action"] = [*iam_rules.as_list(statement["Action"]), action]
    assert any("allows " + action in problem for problem in problems(resources))


@pytest.mark.parametrize("role", ROLES.values())
def test_a_wider_resource_is_seen(role: str) -> None:
    resources = copy.deepcopy(RESOURCES)
    statement_of(resources, role, 0)["Resource"] = {"Fn::Sub": "${RawBucket.Arn}/*"}
    assert len(problems(resources)) >= 2


@pytest.mark.parametrize("call", sorted(CODE))
def test_an_unlisted_call_is_seen(call: tuple[str, str]) -> None:
    declared = copy.deepcopy(DECLARED)
    for calls in [*(function["calls"] for function in declared["functions"].values()), declared["elsewhere"]]:
        calls[:] = [item for item in calls if (item["source"], item["method"]) != call]
    assert any(call[0] in problem and call[1] in problem for problem in problems(declared=declared))


def test_a_listed_call_that_is_not_made_is_seen() -> None:
    assert problems(code=CODE - {("crates/ingest/src/spill.rs", "put")}) != []


def test_calls_are_found_in_source() -> None:
    source = """
        use aws_sdk_firehose::Client;
        async fn a(&self) { self.store.put_opts(&path, payload, options).await; }
        async fn b() { lake.store
            .delete_stream(paths); }
        async fn c(&self) { self.client.put_record_batch().records(records).send().await; }
        async fn d(&self) { self.client.clone(); map.get(&key); } // store.head(path)
        #[cfg(test)]
        mod tests { async fn e() { store.list(None); } }
    """
    unindented = "\n".join(line.strip() for line in source.splitlines())
    assert iam_rules.calls_of(unindented) == {"put_opts", "delete_stream", "put_record_batch"}
