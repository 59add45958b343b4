"""Athena: the statements as they stand, over the AWS API. boto3 is needed here only."""

from __future__ import annotations

import time
from datetime import date, datetime
from typing import Any

from .rows import Result
from .statements import Settings, Statement, StatementError

# An execution parameter has 1,024 characters, two of them for the quotes.
_LONGEST_VALUE = 1022
_POLL_SECONDS = 0.5
_DONE = {"SUCCEEDED", "FAILED", "CANCELLED"}


class AthenaEngine:
    """Queries of one workgroup. Credentials and region are those of boto3's usual chain."""

    def __init__(self, settings: Settings, workgroup: str, client: Any | None = None) -> None:
        """`client` is an Athena client, for tests; by default boto3 makes one. Raises StatementError without boto3."""
        self.settings = settings
        self.workgroup = workgroup
        if client is None:
            try:
                import boto3
            except ImportError as error:
                raise StatementError("ENGINE=athena needs boto3: run make .venv/ready") from error
            client = boto3.client("athena")
        self.client = client

    def run(self, statement: Statement, values: list[str]) -> Result:
        """Starts the query, waits for its end, and fetches all pages.

        Raises RuntimeError with Athena's reason if it fails.
        """
        request: dict[str, Any] = {
            "QueryString": self.settings.fill(statement.text),
            "QueryExecutionContext": {"Database": self.settings.database},
            "WorkGroup": self.workgroup,
        }
        if too_long := next((value for value in values if len(value) > _LONGEST_VALUE), None):
            raise StatementError(
                f"the value {too_long[:40]!r}… has {len(too_long)} characters: Athena takes {_LONGEST_VALUE}; ask in "
                "several queries"
            )
        if values:
            # Athena wants each value as a literal of SQL, with its quotes.
            request["ExecutionParameters"] = ["'" + value.replace("'", "''") + "'" for value in values]
        execution = self.client.start_query_execution(**request)["QueryExecutionId"]
        status = self._wait(execution)
        if status["Status"]["State"] != "SUCCEEDED":
            reason = status["Status"].get("StateChangeReason", "no reason given")
            raise RuntimeError(f"athena: {status['Status']['State'].lower()}: {reason}")
        return self._fetch(execution, status.get("Statistics", {}).get("DataScannedInBytes"))

    def progress(self) -> float | None:
        """Athena does not say how far a query is."""
        return None

    def _wait(self, execution: str) -> dict[str, Any]:
        while True:
            found: dict[str, Any] = self.client.get_query_execution(QueryExecutionId=execution)["QueryExecution"]
            if found["Status"]["State"] in _DONE:
                return found
            time.sleep(_POLL_SECONDS)

    def _fetch(self, execution: str, scanned: int | None) -> Result:
        columns: list[str] = []
        kinds: list[str] = []
        rows: list[list[Any]] = []
        token: str | None = None
        while True:
            page = self.client.get_query_results(QueryExecutionId=execution, **({"NextToken": token} if token else {}))
            found = page["ResultSet"]["Rows"]
            if token is None:
                info = page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
                columns = [column["Name"] for column in info]
                kinds = [column["Type"] for column in info]
                found = found[1:]  # the first row of the first page is the header
            rows.extend(
                [_value(cell.get("VarCharValue"), kind) for cell, kind in zip(row["Data"], kinds, strict=True)]
                for row in found
            )
            token = page.get("NextToken")
            if token is None:
                return Result(columns, rows, scanned)


def _value(text: str | None, kind: str) -> Any:
    if text is None:
        return None
    if kind in ("bigint", "integer", "smallint", "tinyint"):
        return int(text)
    if kind in ("double", "float", "real"):
        return float(text)
    if kind == "boolean":
        return text == "true"
    if kind == "date":
        return date.fromisoformat(text)
    if kind == "timestamp":
        return datetime.fromisoformat(text)
    return text
