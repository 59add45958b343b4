"""A double of Athena: it keeps views, prepared statements and named queries, and answers queries from a function of the
test.

`Athena` has the methods of boto3's client that the project calls. `answer` speaks the service's wire format (JSON 1.1
with `X-Amz-Target`) for programs that are tested as processes:
docs.aws.amazon.com/athena/latest/APIReference/Welcome.html.
"""

# ruff: noqa: N803 (the names of Athena's parameters)

from __future__ import annotations

import base64
import contextlib
import json
import re
import uuid
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import sqlglot

from bluetick_sql.rows import Result

CREATE_VIEW = re.compile(r"CREATE\s+OR\s+REPLACE\s+VIEW\s+(\w+)\.(\w+)\s+AS", re.I)
DROP_VIEW = re.compile(r"DROP\s+VIEW\s+IF\s+EXISTS\s+(\w+)\.(\w+)", re.I)
PLACEHOLDER = re.compile(r"\$\{")
PAGE = 50


class ResourceNotFoundException(Exception):
    """No prepared statement of this name."""


class Exceptions:
    ResourceNotFoundException = ResourceNotFoundException


def _result_set(result: Result) -> dict:
    """A result as GetQueryResults answers it: texts, with the types of the columns beside them."""
    kinds = {bool: "boolean", int: "bigint", float: "double", datetime: "timestamp", date: "date"}

    def kind(column: int) -> str:
        values = [row[column] for row in result.rows if row[column] is not None]
        return kinds.get(type(values[0]), "varchar") if values else "varchar"

    def cell(value: Any) -> dict:
        if value is None:
            return {}
        if isinstance(value, bool):
            return {"VarCharValue": str(value).lower()}
        return {"VarCharValue": value.isoformat(" ") if isinstance(value, datetime) else str(value)}

    columns = [{"Name": name, "Type": kind(number)} for number, name in enumerate(result.columns)]
    rows = [{"Data": [cell(value) for value in row]} for row in [result.columns, *result.rows]]
    return {"ResultSet": {"Rows": rows, "ResultSetMetadata": {"ColumnInfo": columns}}}


class Athena:
    """In memory. Each query is RUNNING for one poll and then done; `refuse` names a view whose statement fails.

    `glue` is a client of Glue in which each view becomes a table, as Athena keeps them. `answers` gives the result of
    any other statement from its text and the values of its `?`.
    """

    exceptions = Exceptions

    def __init__(
        self,
        refuse: str | None = None,
        select: Callable[[str], list[list[str]]] | None = None,
        glue: Any = None,
        answers: Callable[[str, list[str]], Result] | None = None,
    ):
        self.refuse = refuse
        self.glue = glue
        self.select = select
        self.answers = answers
        self.views: dict[str, str] = {}
        self.prepared: dict[str, dict] = {}
        self.named: dict[str, dict] = {}
        self.log: list[str] = []
        self._queries: dict[str, dict] = {}

    def start_query_execution(self, QueryString: str, WorkGroup: str, **request) -> dict:
        query = str(uuid.uuid4())
        self._queries[query] = {"polls": 0, "state": "SUCCEEDED", "reason": "", "rows": []}
        # A parameter is a literal of SQL.
        values = [value[1:-1].replace("''", "'") for value in request.get("ExecutionParameters", [])]
        self._execute(QueryString, self._queries[query], values)
        return {"QueryExecutionId": query}

    def _execute(self, text: str, query: dict, values: list[str]) -> None:
        if PLACEHOLDER.search(text):
            query.update(state="FAILED", reason="mismatched input '$'")
        elif view := CREATE_VIEW.search(text):
            name = view.group(2)
            self.log.append(f"view {name}")
            if name == self.refuse:
                query.update(state="FAILED", reason="line 3: no such column")
            else:
                self.views[name] = text
                self._keep_view(view.group(1), name, text)
        elif view := DROP_VIEW.search(text):
            self.log.append(f"drop {view.group(2)}")
            self.views.pop(view.group(2), None)
        elif self.answers:
            try:
                query["result"] = self.answers(text, values)
            except Exception as error:
                query.update(state="FAILED", reason=str(error))
        elif self.select:
            query["rows"] = self.select(text)

    def _keep_view(self, database: str, name: str, text: str) -> None:
        """The Glue table of a view: its columns without comments, and Athena's encoding of its text."""
        if self.glue is None:
            return
        columns = sqlglot.parse_one(text, read="athena").expression.named_selects
        table = {
            "Name": name,
            "TableType": "VIRTUAL_VIEW",
            "StorageDescriptor": {"Columns": [{"Name": column, "Type": "string"} for column in columns]},
            "PartitionKeys": [],
            "ViewOriginalText": f"/* Presto View: {base64.b64encode(text.encode()).decode()} */",
            "ViewExpandedText": "/* Presto View */",
            "Parameters": {"presto_view": "true", "comment": "Presto View"},
        }
        with contextlib.suppress(self.glue.exceptions.EntityNotFoundException):
            self.glue.delete_table(DatabaseName=database, Name=name)
        self.glue.create_table(DatabaseName=database, TableInput=table)

    def get_query_execution(self, QueryExecutionId: str) -> dict:
        query = self._queries[QueryExecutionId]
        query["polls"] += 1
        state = "RUNNING" if query["polls"] == 1 else query["state"]
        return {"QueryExecution": {"Status": {"State": state, "StateChangeReason": query["reason"]}}}

    def get_query_results(self, QueryExecutionId: str, **request) -> dict:
        if "result" in self._queries[QueryExecutionId]:
            return _result_set(self._queries[QueryExecutionId]["result"])
        rows = [{"Data": [{"VarCharValue": cell} for cell in row]} for row in self._queries[QueryExecutionId]["rows"]]
        columns = [{"Name": name["VarCharValue"], "Type": "varchar"} for name in (rows[0]["Data"] if rows else [])]
        return {"ResultSet": {"Rows": rows, "ResultSetMetadata": {"ColumnInfo": columns}}}

    def update_prepared_statement(self, StatementName: str, **request) -> dict:
        if StatementName not in self.prepared:
            raise ResourceNotFoundException(StatementName)
        return self.create_prepared_statement(StatementName, **request)

    def create_prepared_statement(self, StatementName: str, **request) -> dict:
        self.log.append(f"prepared {StatementName}")
        self.prepared[StatementName] = request
        return {}

    def delete_prepared_statement(self, StatementName: str, **request) -> dict:
        if StatementName not in self.prepared:
            raise ResourceNotFoundException(StatementName)
        del self.prepared[StatementName]
        return {}

    def list_named_queries(self, WorkGroup: str, MaxResults: int = PAGE, NextToken: str = "0", **request) -> dict:
        start = int(NextToken)
        page = {"NamedQueryIds": list(self.named)[start : start + MaxResults]}
        return page if start + MaxResults >= len(self.named) else {**page, "NextToken": str(start + MaxResults)}

    def batch_get_named_query(self, NamedQueryIds: list[str]) -> dict:
        return {"NamedQueries": [{**self.named[query], "NamedQueryId": query} for query in NamedQueryIds]}

    def create_named_query(self, **request) -> dict:
        query = str(uuid.uuid4())
        self.log.append(f"named {request['Name']}")
        self.named[query] = request
        return {"NamedQueryId": query}

    def update_named_query(self, NamedQueryId: str, **request) -> dict:
        self.named[NamedQueryId].update(request)
        return {}

    def delete_named_query(self, NamedQueryId: str) -> dict:
        del self.named[NamedQueryId]
        return {}

    def answer(self, target: str, body: bytes) -> tuple[int, dict]:
        """The answer to a request for `AmazonAthena.<Operation>`."""
        operation = re.sub(r"(?<!^)(?=[A-Z])", "_", target.rsplit(".", 1)[1]).lower()
        try:
            return 200, getattr(self, operation)(**json.loads(body or b"{}"))
        except ResourceNotFoundException as error:
            return 400, {"__type": "ResourceNotFoundException", "message": str(error)}
