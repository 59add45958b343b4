#!/usr/bin/env python3
"""Looks after a deployed stack: what `make deploy` and `make destroy` need beside SAM.

stack.py --stack NAME check-parameters KEY=VALUE …   refuses parameters that would start empty buckets
stack.py --stack NAME protect                        forbids later updates to replace or delete buckets and secrets
stack.py --stack NAME delete                         deletes the stack and prints what is kept
stack.py --stack NAME health                         asks the stack's /health
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable

KEPT_TYPES = ("AWS::S3::Bucket", "AWS::SecretsManager::Secret")
HEALTH_TRIES = 6
SECONDS_BETWEEN_TRIES = 5


class StackError(RuntimeError):
    """The stack is not as it should be. The text says what to do."""


def find(cloudformation, stack: str) -> dict | None:
    """The stack's description; None if there is no such stack."""
    from botocore.exceptions import ClientError

    try:
        return cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise


def require(cloudformation, stack: str) -> dict:
    found = find(cloudformation, stack)
    if found is None:
        raise StackError(f"there is no stack {stack} in {cloudformation.meta.region_name}: check STACK and AWS_REGION")
    return found


def check_parameters(cloudformation, stack: str, given: list[str]) -> None:
    """Refuses a changed BucketPrefix on a deployed stack, and an update of a stack whose creation failed."""
    found = find(cloudformation, stack)
    if found is None:
        return
    if found["StackStatus"] in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"):
        raise StackError(
            f"the creation of {stack} failed ({found['StackStatus']}), so it cannot be updated. Read the reason in "
            f"CloudFormation's events, then `make destroy STACK={stack}` and deploy again"
        )
    deployed = {item["ParameterKey"]: item["ParameterValue"] for item in found.get("Parameters", [])}
    values = dict(item.split("=", 1) for item in given if "=" in item)
    before, after = deployed.get("BucketPrefix"), values.get("BucketPrefix")
    if before and after and before != after:
        raise StackError(
            f"{stack} keeps its data in buckets that begin with {before}-. With BucketPrefix={after} it would continue "
            "with empty buckets. Deploy a second stack (STACK, BucketPrefix, DatabaseName) and move the lake: "
            "docs/operations.md, Move the lake"
        )


def resources(cloudformation, stack: str) -> list[dict]:
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    return [item for page in pages for item in page["StackResourceSummaries"]]


def protect(cloudformation, stack: str) -> None:
    """Sets a stack policy: an update may change everything but not replace or delete what holds data."""
    kept = [
        item["LogicalResourceId"] for item in resources(cloudformation, stack) if item["ResourceType"] in KEPT_TYPES
    ]
    if not kept:
        raise StackError(f"{stack} has no buckets and no secrets to protect")
    statements = [
        {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"},
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["Update:Replace", "Update:Delete"],
            "Resource": [f"LogicalResourceId/{name}" for name in sorted(kept)],
        },
    ]
    cloudformation.set_stack_policy(StackName=stack, StackPolicyBody=json.dumps({"Statement": statements}))


def kept(cloudformation, stack: str) -> list[str]:
    """Names of the resources that outlive the stack."""
    require(cloudformation, stack)
    found = [item for item in resources(cloudformation, stack) if item["ResourceType"] in KEPT_TYPES]
    return [f"{item['LogicalResourceId']} {item.get('PhysicalResourceId', '')}" for item in found]


def delete(cloudformation, stack: str) -> list[str]:
    """Deletes the stack and waits for its end; returns what is kept."""
    from botocore.exceptions import WaiterError

    names = kept(cloudformation, stack)
    cloudformation.delete_stack(StackName=stack)
    try:
        cloudformation.get_waiter("stack_delete_complete").wait(
            StackName=stack, WaiterConfig={"Delay": 5, "MaxAttempts": 360}
        )
    except WaiterError as error:
        raise StackError(
            f"{stack} could not be deleted: {error}. CloudFormation's events name the resource; delete it and try again"
        ) from error
    return names


def outputs(cloudformation, stack: str) -> dict[str, str]:
    return {item["OutputKey"]: item["OutputValue"] for item in require(cloudformation, stack).get("Outputs", [])}


def get(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError as error:
        return 0, str(error).encode()


def health(
    base: str, fetch: Callable[[str], tuple[int, bytes]] = get, pause: Callable[[float], None] = time.sleep
) -> None:
    """Asks /health until it answers; a new HTTP API takes some seconds."""
    for attempt in range(HEALTH_TRIES):
        if attempt:
            pause(SECONDS_BETWEEN_TRIES)
        status, body = fetch(f"{base}/health")
        if status == 200 and json.loads(body) == {"ok": True}:
            return
    raise StackError(
        f"{base}/health answered {status or 'nothing'}: {body[:200].decode(errors='replace')}. The stack is deployed "
        "but ingest does not run; read its log group /aws/lambda/<stack>-ingest"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", default="bluetick")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check-parameters").add_argument("parameters", nargs="*")
    for name in ("protect", "delete", "health"):
        commands.add_parser(name)
    arguments = parser.parse_args()

    import boto3

    cloudformation = boto3.client("cloudformation")
    try:
        match arguments.command:
            case "check-parameters":
                check_parameters(cloudformation, arguments.stack, arguments.parameters)
            case "protect":
                protect(cloudformation, arguments.stack)
            case "delete":
                names = delete(cloudformation, arguments.stack)
                print(f"deleted {arguments.stack}. Kept, because they hold data:")
                print("\n".join(f"  {line}" for line in names))
                print("docs/operations.md, Tear down, says how a new stack takes them over and how to delete them")
            case "health":
                found = outputs(cloudformation, arguments.stack)
                # The name of a new domain may not resolve yet.
                health(found["ApiEndpoint"])
                print(f"webhooks: {found['WebhookUrl']}")
    except StackError as error:
        print(f"stack: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
