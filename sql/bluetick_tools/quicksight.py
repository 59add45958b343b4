"""A CloudFormation template with an Athena data source and data sets for Amazon QuickSight.

The data sets are copies that QuickSight keeps and refreshes, so they hold counts and nothing of a person: an erasure
in the lake does not reach QuickSight's copies.
"""

from __future__ import annotations

import re
from typing import Any

from bluetick_sql.statements import SQL_ROOT, Settings, Statement, read_statement

from .columns import columns_of
from .text import to_yaml, with_expressions

_HEADER = """# Generated from sql/ by `make integrations`: do not edit.
# A stack of its own, beside that of infra/template.yaml: `make quicksight PRINCIPAL=<ARN of a user or group>`
# (docs/tools/quicksight.md).
"""
DATA_SETS = {
    "message_counts": "WhatsApp messages",
    "click_counts": "WhatsApp clicks",
    "failure_counts": "WhatsApp failures",
}
# The data set is read again as a whole, so its window moves with the day.
EXPRESSIONS = {"from": "date_add('day', -${Days}, current_date)", "to": "current_date"}
_PARAMETERS = {
    "database": "${DatabaseName}",
    "timezone": "${TimeZone}",
    "attribution_hours": "${AttributionHours}",
    "first_day": "${FirstDay}",
}
_TYPES = {"VARCHAR": "STRING", "BIGINT": "INTEGER", "DOUBLE": "DECIMAL", "DATE": "DATETIME"}
_READ = ("DescribeDataSet", "DescribeDataSetPermissions", "PassDataSet", "DescribeIngestion", "ListIngestions")
_WRITE = ("UpdateDataSet", "DeleteDataSet", "CreateIngestion", "CancelIngestion", "UpdateDataSetPermissions")
_SOURCE = ("DescribeDataSource", "DescribeDataSourcePermissions", "PassDataSource")


class _Parameters(Settings):
    """Settings that fill in parameters of the template."""

    def fill(self, text: str) -> str:
        for name, parameter in _PARAMETERS.items():
            text = text.replace(f"${{{name}}}", parameter)
        return text


def files(settings: Settings) -> dict[str, str]:
    """Path under the root of the repository -> text."""
    return {"infra/quicksight.yaml": _HEADER + to_yaml(_template(settings))}


def statement_of(name: str) -> Statement:
    """The definition of a data set."""
    return read_statement(SQL_ROOT / "bluetick_tools" / f"{name}.sql")


def _sub(text: str) -> dict[str, str]:
    return {"Fn::Sub": text}


def _parameter(
    description: str, default: str | int | None = None, pattern: str | None = None, **more: Any
) -> dict[str, Any]:
    found: dict[str, Any] = {"Type": "Number" if isinstance(default, int) else "String", "Description": description}
    if default is not None:
        found["Default"] = default
    if pattern is not None:
        found["AllowedPattern"] = pattern
    return {**found, **more}


def _template(settings: Settings) -> dict[str, Any]:
    resources: dict[str, Any] = {"DataSource": _data_source()}
    types = columns_of([statement_of(name) for name in DATA_SETS], settings)
    for (name, title), columns in zip(DATA_SETS.items(), types, strict=True):
        logical = "".join(part.capitalize() for part in name.split("_"))
        resources[logical] = _data_set(name, title, columns)
        resources[f"{logical}Refresh"] = _refresh(logical)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Bluetick: an Athena data source and data sets for Amazon QuickSight",
        "Parameters": {
            "Principal": _parameter(
                "ARN of the QuickSight user or group that owns the data sets",
                pattern=r"arn:[a-z-]+:quicksight:[a-z0-9-]+:[0-9]{12}:(user|group)/.+",
            ),
            "DatabaseName": _parameter(
                "Output DatabaseName of Bluetick's stack", settings.database, "[a-z_][a-z0-9_]{0,60}"
            ),
            "WorkGroupName": _parameter("Output WorkGroupName of Bluetick's stack", settings.database),
            "TimeZone": _parameter("Output TimeZone of Bluetick's stack", settings.timezone, "[A-Za-z0-9_+/-]+"),
            "AttributionHours": _parameter(
                "Output AttributionHours of Bluetick's stack", settings.attribution_hours, MinValue=1, MaxValue=720
            ),
            "FirstDay": _parameter(
                "Output FirstDay of Bluetick's stack", "2024-01-01", "20[0-9]{2}-[01][0-9]-[0-3][0-9]"
            ),
            "Days": _parameter("Days before today that the data sets hold", 62, MinValue=1, MaxValue=800),
            "RefreshTime": _parameter(
                "Time of day, UTC, at which the data sets are read again", "01:30", "[0-2][0-9]:[0-5][0-9]"
            ),
        },
        "Resources": resources,
    }


def _data_source() -> dict[str, Any]:
    return {
        "Type": "AWS::QuickSight::DataSource",
        "Properties": {
            "AwsAccountId": {"Ref": "AWS::AccountId"},
            "DataSourceId": _sub("${AWS::StackName}-athena"),
            "Name": _sub("Athena, ${DatabaseName}"),
            "Type": "ATHENA",
            "DataSourceParameters": {"AthenaParameters": {"WorkGroup": {"Ref": "WorkGroupName"}}},
            "Permissions": _permissions(_SOURCE),
        },
    }


def _permissions(actions: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{"Principal": {"Ref": "Principal"}, "Actions": [f"quicksight:{action}" for action in actions]}]


def _data_set(name: str, title: str, columns: dict[str, str]) -> dict[str, Any]:
    table = {
        "DataSourceArn": {"Fn::GetAtt": ["DataSource", "Arn"]},
        "Name": name,
        "SqlQuery": _sub(with_expressions(statement_of(name), _Parameters(), EXPRESSIONS)),
        "Columns": [{"Name": column, "Type": _TYPES[kind]} for column, kind in columns.items()],
    }
    return {
        "Type": "AWS::QuickSight::DataSet",
        "Properties": {
            "AwsAccountId": {"Ref": "AWS::AccountId"},
            "DataSetId": _sub(f"${{AWS::StackName}}-{name.replace('_', '-')}"),
            "Name": title,
            "ImportMode": "SPICE",
            "PhysicalTableMap": {name.replace("_", "-"): {"CustomSql": table}},
            "Permissions": _permissions((*_READ, *_WRITE)),
        },
    }


def _refresh(data_set: str) -> dict[str, Any]:
    return {
        "Type": "AWS::QuickSight::RefreshSchedule",
        "DependsOn": data_set,
        "Properties": {
            "AwsAccountId": {"Ref": "AWS::AccountId"},
            "DataSetId": _sub("${AWS::StackName}-" + re.sub(r"(?<!^)([A-Z])", r"-\1", data_set).lower()),
            "Schedule": {
                "ScheduleId": "daily",
                "RefreshType": "FULL_REFRESH",
                "ScheduleFrequency": {"Interval": "DAILY", "TimeOfTheDay": {"Ref": "RefreshTime"}, "TimeZone": "UTC"},
            },
        },
    }
