#!/usr/bin/env python3
"""Publishes sql/views and sql/queries in Athena for a deployed stack.

Views are created or replaced first, each after the views that it reads, with comments on their columns in Glue. Then
the queries are stored. Each becomes a named query, which Athena's console lists under Saved queries and which runs as
it stands: it has comments and a default in place of each `?`. A query with parameters becomes a prepared statement,
too, because Athena binds values only there. Requests are sent one after another and throttled requests are repeated,
so that Athena's quotas hold. Views and queries of an earlier deployment that are gone from sql/ are dropped: the named
query `published_statements` lists what the last run published. Running it again is always safe.

Database, workgroup, time zone and attribution window are the outputs of the stack.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "sql"))

from bluetick_sql.console import pasted
from bluetick_sql.statements import (
    Settings,
    Statement,
    column_comments,
    query_files,
    read_statement,
    view_files,
)

SECONDS_BETWEEN_POLLS = 0.5
RECORD = "published_statements"
RECORD_DESCRIPTION = "Views and queries that the last deployment published; the next one drops what is gone"
# Names that Athena takes for prepared statements. Named queries follow the same rule here.
NAME = re.compile(r"[a-z_][a-z0-9_]{1,255}")
DESCRIPTION_CHARACTERS = 1024
# Glue's limit of a comment.
COMMENT_CHARACTERS = 255
# What UpdateTable takes of what GetTable answers (docs.aws.amazon.com/glue/latest/webapi/API_TableInput.html).
TABLE_INPUT = (
    "Name",
    "Description",
    "Owner",
    "Retention",
    "StorageDescriptor",
    "PartitionKeys",
    "ViewOriginalText",
    "ViewExpandedText",
    "TableType",
    "Parameters",
)


class PublishError(RuntimeError):
    """Athena refused a statement."""


@dataclass(frozen=True)
class Published:
    """Names of what is in Athena, views in the order of their creation."""

    views: tuple[str, ...] = ()
    prepared: tuple[str, ...] = ()
    named: tuple[str, ...] = ()

    def to_sql(self) -> str:
        """The record as a statement that Athena can run."""
        rows = [f"('{kind}', '{name}')" for kind in ("views", "prepared", "named") for name in getattr(self, kind)]
        return "SELECT * FROM (VALUES\n  " + ",\n  ".join(rows) + "\n) AS published (kind, name)"

    @classmethod
    def from_sql(cls, text: str) -> Published:
        rows = re.findall(r"\('(\w+)', '(\w+)'\)", text)
        return cls(
            **{kind: tuple(name for found, name in rows if found == kind) for kind in ("views", "prepared", "named")}
        )


def view_name(path: Path) -> str:
    """Name of the view in a file such as 10_report_window.sql."""
    return path.stem.split("_", 1)[1]


class Publisher:
    """Publishes statements in one workgroup through the clients of boto3 for Athena and Glue."""

    def __init__(self, athena, glue, workgroup: str, settings: Settings, pause: Callable[[float], None] = time.sleep):
        self.athena = athena
        self.glue = glue
        self.workgroup = workgroup
        self.settings = settings
        self.pause = pause

    def publish(self) -> Published:
        """Publishes everything and drops what is gone. Raises PublishError at the first refused statement."""
        queries = [read_statement(path) for path in query_files()]
        for query in queries:
            check_name(query.name)
        new = Published(
            views=tuple(view_name(path) for path in view_files()),
            prepared=tuple(query.name for query in queries if query.parameters),
            named=tuple(query.name for query in queries),
        )
        named = {query["Name"]: query for query in self._named_queries()}
        before = Published.from_sql(named[RECORD]["QueryString"]) if RECORD in named else Published()
        for path in view_files():
            self._run(path.stem, self.settings.fill(path.read_text(encoding="utf-8")))
            self._comment(view_name(path), column_comments(read_statement(path)))
        for query in queries:
            self._put_query(query, named)
        self._drop(before, new, named)
        self._put_named(RECORD, RECORD_DESCRIPTION, new.to_sql(), named)
        return new

    def _run(self, name: str, statement: str) -> None:
        started = self.athena.start_query_execution(
            QueryString=statement, WorkGroup=self.workgroup, QueryExecutionContext={"Database": self.settings.database}
        )
        while True:
            status = self.athena.get_query_execution(QueryExecutionId=started["QueryExecutionId"])["QueryExecution"][
                "Status"
            ]
            if status["State"] == "SUCCEEDED":
                return
            if status["State"] in ("FAILED", "CANCELLED"):
                raise PublishError(f"{name}: {status.get('StateChangeReason', status['State'])}")
            self.pause(SECONDS_BETWEEN_POLLS)

    def _comment(self, view: str, comments: dict[str, str]) -> None:
        """Writes the comments of a view's columns into its Glue table, because Athena has no statement for them.

        Athena replaced the table just before, so it has none yet. A refusal by Glue is only a warning: the view
        answers without comments, too.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._write_comments(view, comments)
        except (BotoCoreError, ClientError) as error:
            print(f"publish_sql: the columns of the view {view} have no comments: {error}", file=sys.stderr)

    def _write_comments(self, view: str, comments: dict[str, str]) -> None:
        table = self.glue.get_table(DatabaseName=self.settings.database, Name=view)["Table"]
        columns = [
            {
                **column,
                **({"Comment": comments[column["Name"]][:COMMENT_CHARACTERS]} if column["Name"] in comments else {}),
            }
            for column in table["StorageDescriptor"]["Columns"]
        ]
        # GetTable may answer an empty owner, which UpdateTable does not take.
        wanted = {name: table[name] for name in TABLE_INPUT if table.get(name) not in (None, "")}
        wanted["StorageDescriptor"] = {**table["StorageDescriptor"], "Columns": columns}
        # Glue would keep an old version of the table for each publishing, up to a quota.
        self.glue.update_table(DatabaseName=self.settings.database, TableInput=wanted, SkipArchive=True)

    def _put_query(self, query: Statement, named: dict[str, dict]) -> None:
        self._put_named(query.name, query.question, pasted(query, self.settings), named)
        if not query.parameters:
            return
        text = self.settings.fill(query.body).strip().rstrip(";").rstrip()
        description = f"{query.question} Parameters: {', '.join(query.parameters)}"[:DESCRIPTION_CHARACTERS]
        request = {
            "StatementName": query.name,
            "WorkGroup": self.workgroup,
            "QueryStatement": text,
            "Description": description,
        }
        try:
            self.athena.update_prepared_statement(**request)
        except self.athena.exceptions.ResourceNotFoundException:
            self.athena.create_prepared_statement(**request)

    def _put_named(self, name: str, description: str, text: str, named: dict[str, dict]) -> None:
        request = {"Name": name, "Description": description[:DESCRIPTION_CHARACTERS], "QueryString": text}
        if name in named:
            self.athena.update_named_query(NamedQueryId=named[name]["NamedQueryId"], **request)
        else:
            self.athena.create_named_query(Database=self.settings.database, WorkGroup=self.workgroup, **request)

    def _named_queries(self) -> Iterator[dict]:
        token: dict[str, str] = {}
        while True:
            page = self.athena.list_named_queries(WorkGroup=self.workgroup, MaxResults=50, **token)
            if page["NamedQueryIds"]:
                yield from self.athena.batch_get_named_query(NamedQueryIds=page["NamedQueryIds"])["NamedQueries"]
            if not page.get("NextToken"):
                return
            token = {"NextToken": page["NextToken"]}

    def _drop(self, before: Published, new: Published, named: dict[str, dict]) -> None:
        """Drops what an earlier run published and this one did not; dependent views before the views that they read."""
        for name in before.prepared:
            if name not in new.prepared:
                try:
                    self.athena.delete_prepared_statement(StatementName=name, WorkGroup=self.workgroup)
                except self.athena.exceptions.ResourceNotFoundException:
                    print(f"the prepared statement {name} was already deleted", file=sys.stderr)
        for name in before.named:
            if name not in new.named and name in named:
                self.athena.delete_named_query(NamedQueryId=named[name]["NamedQueryId"])
        for name in reversed(before.views):
            if name not in new.views:
                self._run(f"drop {name}", f"DROP VIEW IF EXISTS {self.settings.database}.{name}")


def check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise PublishError(f"{name}: a query's name takes lower-case letters, digits and underscores")


def settings_of(outputs: dict[str, str]) -> Settings:
    """The settings of sql/ from the outputs of a stack."""
    values = {
        "database": outputs["DatabaseName"],
        "lake": outputs["LakeUrl"],
        "timezone": outputs["TimeZone"],
        "attribution_hours": int(outputs["AttributionHours"]),
        "first_day": outputs["FirstDay"],
    }
    known = {field.name for field in fields(Settings)}
    return Settings(**{name: value for name, value in values.items() if name in known})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", default="bluetick", help="name of the deployed stack")
    arguments = parser.parse_args()

    import boto3
    from botocore.config import Config

    stack = boto3.client("cloudformation").describe_stacks(StackName=arguments.stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    config = Config(retries={"mode": "standard", "max_attempts": 10})
    athena, glue = (boto3.client(service, config=config) for service in ("athena", "glue"))
    try:
        published = Publisher(athena, glue, outputs["WorkGroupName"], settings_of(outputs)).publish()
    except PublishError as error:
        print(f"publish_sql: {error}\nmend it and run `make publish` again", file=sys.stderr)
        return 1
    views, queries = len(published.views), len(published.named)
    print(f"published {views} views and {queries} queries in {outputs['DatabaseName']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
