#!/usr/bin/env python3
"""Creates the views of sql/views in Athena, each after those that it reads; what exists is replaced.

CloudFormation cannot make views. Database, workgroup, time zone and attribution window are those of the deployed stack.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "sql"))

from bluetick_sql.statements import Settings, view_files

SECONDS_BETWEEN_LOOKS = 0.5


class ViewError(RuntimeError):
    """Athena refused a view."""


def create_views(athena, workgroup: str, settings: Settings, pause: Callable[[float], None] = time.sleep) -> list[str]:
    """Runs the statements one after the other; returns the names of the views.

    Raises ViewError at the first refusal.
    """
    names = []
    for path in view_files():
        statement = settings.fill(path.read_text(encoding="utf-8"))
        started = athena.start_query_execution(
            QueryString=statement, WorkGroup=workgroup, QueryExecutionContext={"Database": settings.database}
        )
        while True:
            execution = athena.get_query_execution(QueryExecutionId=started["QueryExecutionId"])["QueryExecution"]
            status = execution["Status"]
            if status["State"] == "SUCCEEDED":
                break
            if status["State"] in ("FAILED", "CANCELLED"):
                raise ViewError(f"{path.name}: {status.get('StateChangeReason', status['State'])}")
            pause(SECONDS_BETWEEN_LOOKS)
        names.append(path.stem)
    return names


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", default="bluetick", help="name of the deployed stack")
    arguments = parser.parse_args()

    import boto3

    stack = boto3.client("cloudformation").describe_stacks(StackName=arguments.stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    settings = Settings(
        database=outputs["DatabaseName"],
        lake=outputs["LakeUrl"],
        timezone=outputs["TimeZone"],
        attribution_hours=int(outputs["AttributionHours"]),
    )
    try:
        names = create_views(boto3.client("athena"), outputs["WorkGroupName"], settings)
    except ViewError as error:
        print(f"create_views: {error}", file=sys.stderr)
        return 1
    print(f"created {len(names)} views in {settings.database}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
