"""The Lambda function of the scheduled tasks. Its event is `{"task": "report"}`, or `alerts` or `lists`."""

from __future__ import annotations

import json
import os
from typing import Any

import boto3
from botocore.config import Config

from .configuration import from_environment
from .tasks import Tasks


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Runs the task of the event and answers what it did. An error is Lambda's to report: an alarm watches it."""
    configuration = from_environment(os.environ)
    retries = Config(retries={"mode": "standard", "max_attempts": 5})
    athena, sns = (boto3.client(service, config=retries) for service in ("athena", "sns"))
    # Links to objects that are encrypted with a key of KMS must be signed by version 4.
    s3 = boto3.client("s3", config=retries.merge(Config(signature_version="s3v4")))
    task = str(event.get("task", "")) if isinstance(event, dict) else ""
    did = Tasks(configuration, athena, s3, sns).run(task)
    print(json.dumps({"task": task, **did}))
    return did
