"""Compares the calls in the source, the calls that infra/iam_calls.yaml lists, and the permissions of the roles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from template_rules import as_list, text, unconditional

# The permissions that a call needs. Those of S3 are those of object_store's methods
# (docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html).
ACTIONS = {
    "put_record_batch": {"firehose:PutRecordBatch"},
    "get_secret_value": {"secretsmanager:GetSecretValue"},
    "batch_get_item": {"dynamodb:BatchGetItem"},
    "delete_item": {"dynamodb:DeleteItem"},
    "batch_write_item": {"dynamodb:BatchWriteItem"},
    "put_item": {"dynamodb:PutItem"},
    "query": {"dynamodb:Query"},
    "scan": {"dynamodb:Scan"},
    "put": {"s3:PutObject"},
    "put_opts": {"s3:PutObject"},
    # An unfinished upload is aborted.
    "put_multipart": {"s3:PutObject", "s3:AbortMultipartUpload"},
    "put_multipart_opts": {"s3:PutObject", "s3:AbortMultipartUpload"},
    "get": {"s3:GetObject"},
    "get_opts": {"s3:GetObject"},
    "get_range": {"s3:GetObject"},
    "get_ranges": {"s3:GetObject"},
    "head": {"s3:GetObject"},
    "list": {"s3:ListBucket"},
    "list_with_delimiter": {"s3:ListBucket"},
    "list_with_offset": {"s3:ListBucket"},
    "delete": {"s3:DeleteObject"},
    "delete_stream": {"s3:DeleteObject"},
    "copy": {"s3:GetObject", "s3:PutObject"},
    "copy_if_not_exists": {"s3:GetObject", "s3:PutObject"},
    "rename": {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"},
    "rename_if_not_exists": {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"},
}
CRATES = ("events", "ingest", "lake", "lookups", "transform", "telemetry")
# A store of object_store, or a bucket that is read by plain keys.
_STORE_CALL = re.compile(r"\b(?:store(?:\(\))?|bucket)\s*\.\s*(" + "|".join(ACTIONS) + r")\s*\(")
# An operation of an SDK's client: a method without arguments at the head of a chain that ends in `.send()`.
_SDK_CALL = re.compile(r"\bclient\s*\.\s*([a-z_]+)\(\)(?=[^;]*?\.send\(\))", re.S)

Permission = tuple[str, str]


def calls_of(source: str) -> set[str]:
    """The methods that a source file calls on AWS, its tests aside."""
    code = re.split(r"^#\[cfg\(test\)\]\s*(?:pub(?:\([a-z]+\))? )?mod ", source, flags=re.M)[0]
    code = re.sub(r"//[^\n]*", "", code)
    found = set(_STORE_CALL.findall(code))
    if "aws_sdk_" in code:
        found |= set(_SDK_CALL.findall(code))
    return found


def calls_of_code(root: Path) -> set[tuple[str, str]]:
    """Every call as (file, method)."""
    return {
        (str(path.relative_to(root)), method)
        for crate in CRATES
        for path in sorted((root / "crates" / crate / "src").rglob("*.rs"))
        for method in calls_of(path.read_text(encoding="utf-8"))
    }


def permissions(role: dict) -> list[Permission]:
    """The permissions of a role as pairs of action and resource."""
    return [
        (action, re.sub(r"arn:\$\{AWS::Partition\}:s3:::\$\{(\w+)\}", r"${\1.Arn}", text(resource)))
        for policy in role["Policies"]
        for statement in map(unconditional, policy["PolicyDocument"]["Statement"])
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    ]


def needs(function: dict) -> set[Permission]:
    """The permissions that a function of the list needs."""
    called = {
        (action, place)
        for call in function["calls"]
        for action in ACTIONS[call["method"]]
        for place in call["resources"]
    }
    platform = {
        (action, place) for item in function["platform"] for action in item["actions"] for place in item["resources"]
    }
    return called | platform


def problems(resources: dict, declared: dict, code: set[tuple[str, str]]) -> Iterator[str]:
    listed = {
        (call["source"], call["method"])
        for calls in [*(function["calls"] for function in declared["functions"].values()), declared["elsewhere"]]
        for call in calls
    }
    for source, method in sorted(code - listed):
        yield f"{source} calls {method}, which infra/iam_calls.yaml does not list"
    for source, method in sorted(listed - code):
        yield f"infra/iam_calls.yaml lists {method} in {source}, which the source does not call"
    functions = {name for name, item in resources.items() if item["Type"] == "AWS::Serverless::Function"}
    if functions != declared["functions"].keys():
        yield "the functions of infra/iam_calls.yaml are not those of the template"
    for name in functions & declared["functions"].keys():
        role = resources[name]["Properties"]["Role"]["Fn::GetAtt"][0]
        allowed, needed = permissions(resources[role]["Properties"]), needs(declared["functions"][name])
        for action, place in sorted(needed - set(allowed)):
            yield f"{role} does not allow {action} on {place}, which {name} needs"
        for action, place in sorted(set(allowed) - needed):
            yield f"{role} allows {action} on {place}, which {name} never does"
        if len(allowed) != len(set(allowed)):
            yield f"{role} allows something twice"
