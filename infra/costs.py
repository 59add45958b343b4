#!/usr/bin/env python3
"""Prints the table of docs/costs.md: USD a month by number of webhooks, at list prices of us-east-1, no free tiers.

Prices are those of AWS's price pages in 2026. Change them or the assumptions to yours and run it again.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "sql"))

from bluetick_report.figures import TOTALS, query_names
from bluetick_report.queries import CUBE

ROOT = Path(__file__).resolve().parent.parent
MEASURED = ROOT / "tests" / "athena" / "measured_bytes.json"
PAGE = ROOT / "docs" / "costs.md"

MILLION = 1_000_000
# Millions of webhooks by the name of their column.
VOLUMES = {"1 million": 1, "10 million": 10, "100 million": 100, "1 billion": 1000}
GIGABYTE = 1_000_000_000
GIBIBYTE = 2**30
SECONDS_A_MONTH = 30 * 24 * 3600
HOURS_A_MONTH = 30 * 24

# Assumptions. A record is one line of a raw object and becomes one row.
RECORDS_PER_WEBHOOK = 1.2
LINE_BYTES = 420
BODY_BYTES = 1_500
INGEST_SECONDS, INGEST_GIBIBYTES = 0.015, 0.25
# The metrics line of a call, its line in the access log, and the 26 bytes that CloudWatch adds to each line.
LOG_BYTES = 700 + 350 + 2 * 26
BUFFERING_SECONDS, BUFFERING_BYTES = 300, 64 * 2**20
# Size relative to NDJSON, measured on simulated webhooks.
GZIP_RATIO, PARQUET_RATIO = 0.14, 0.14
RAW_MONTHS, LAKE_MONTHS = 3, 12
TABLES, PARTITIONS_PER_OBJECT = 4, 4
TRANSFORM_ROWS_PER_SECOND, REWRITES, TRANSFORM_SECONDS_PER_OBJECT = 150_000, 4, 0.5
# The sweep reads every manifest each hour, 16 at a time, and lists the parts.
SWEEP_SECONDS_PER_REQUEST, SWEEP_REQUESTS_AT_ONCE = 0.03, 16
LIST_PAGE = 1_000
# The bytes of a query come from `tests/athena/measured_bytes.json` (make measure-query-bytes).
QUERIES_A_DAY, QUERY, QUERY_DAYS = 10, "ctr_by_template", 7
# Each query lists the partitions of the days that it names, and reads their manifests and the columns of parts.
ATHENA_REQUESTS_PER_PARTITION, QUERY_TABLES = 6, 3
# Scheduled tasks: the function waits for one query after another. The alerts' queries with the days that they cover.
TASK_SECONDS_PER_QUERY, TASK_GIBIBYTES = 4, 0.5
ALERT_QUERIES = {"tickets": 4, "funnel_daily": 2, "ctr_daily": 29, "template_and_number_events": 2}
LIST_QUERIES = {"numbers_to_suppress": 30, "messages_to_resend": 30}
# The report's own counts were not measured; this query reads the same messages and clicks.
LIKE_CUBE = "ctr_by_button"
PROVIDERS = 2
# Distinct metrics: per provider in use, of ingest as a whole, of the transform, of the sweep, of the access log.
METRICS_PER_PROVIDER, INGEST_METRICS = 7, 4
TRANSFORM_METRICS, SWEEP_METRICS, ACCESS_LOG_METRICS = 11, 6, 1
ALARM_METRICS = 24
SECRETS, DASHBOARDS = 2, 1
REFUSED_LOG_BYTES = LOG_BYTES

# Look-ups (LiveLookups). A message has about three webhooks. Each record is written to its item; the first record and
# the send write to the indexes: about eight entries, where an entry that moves counts twice. The transform reads each
# message again. Sizes include all indexes.
WEBHOOKS_PER_MESSAGE, INDEX_WRITES_PER_MESSAGE = 3.2, 8
LOOKUP_BYTES_PER_MESSAGE, LOOKUP_MONTHS = 4_000, 3

# Prices.
DYNAMODB_WRITES, DYNAMODB_READS, DYNAMODB_GIGABYTE = 0.625, 0.125, 0.25 + 0.20
HTTP_API, HTTP_API_ABOVE_300_MILLION, HTTP_API_UNIT_BYTES = 1.00, 0.90, 512 * 1024
LAMBDA_REQUESTS, LAMBDA_GIBIBYTE_SECOND = 0.20, 0.0000133334
LOGS_GIGABYTE = 0.50
FIREHOSE_GIBIBYTE, FIREHOSE_ROUNDING = 0.029, 5 * 1024
S3_PUT, S3_GET, S3_GIGABYTE = 5.0, 0.40, 0.023
SQS_REQUESTS = 0.40
EMPTY_POLLS = 1.3 * MILLION
ATHENA_TERABYTE, ATHENA_LEAST_BYTES = 5.00, 10_000_000
SECRET, SECRET_CALLS, ALARM_METRIC, METRIC, DASHBOARD = 0.40, 5.0, 0.10, 0.30, 3.00
SECRET_MAX_AGE_SECONDS, WARM_ENVIRONMENTS = 300, 2


def api_and_ingest(requests: float, log_bytes: float) -> float:
    """USD for requests whose bodies are of usual size: API, logs and the function."""
    first = min(requests, 300 * MILLION)
    units = math.ceil(BODY_BYTES / HTTP_API_UNIT_BYTES)
    api = units * (first * HTTP_API + (requests - first) * HTTP_API_ABOVE_300_MILLION) / MILLION
    return api + requests * log_bytes / GIGABYTE * LOGS_GIGABYTE + ingest_calls(requests) + ingest_time(requests)


def ingest_calls(requests: float) -> float:
    return requests / MILLION * LAMBDA_REQUESTS


def ingest_time(requests: float) -> float:
    return requests * INGEST_SECONDS * INGEST_GIBIBYTES * LAMBDA_GIBIBYTE_SECOND


def fixed() -> float:
    """USD for metrics, alarms, secrets and the dashboard."""
    metrics = PROVIDERS * METRICS_PER_PROVIDER + INGEST_METRICS + TRANSFORM_METRICS + SWEEP_METRICS + ACCESS_LOG_METRICS
    secret_calls = WARM_ENVIRONMENTS * SECRETS * SECONDS_A_MONTH / SECRET_MAX_AGE_SECONDS
    return (
        metrics * METRIC
        + ALARM_METRICS * ALARM_METRIC
        + SECRETS * SECRET
        + secret_calls / MILLION * SECRET_CALLS
        + DASHBOARDS * DASHBOARD
    )


def costs(webhooks: float) -> dict[str, float]:
    """USD a month by item."""
    rows = webhooks * RECORDS_PER_WEBHOOK
    json_bytes = rows * LINE_BYTES
    objects = max(SECONDS_A_MONTH / BUFFERING_SECONDS, json_bytes / BUFFERING_BYTES)
    # A commit puts a part and a manifest, and reads about three times as often.
    puts = objects * (1 + 2 * PARTITIONS_PER_OBJECT)
    stored = json_bytes / GIGABYTE * (GZIP_RATIO * RAW_MONTHS + PARQUET_RATIO * LAKE_MONTHS)
    transform_seconds = rows * REWRITES / TRANSFORM_ROWS_PER_SECOND + objects * TRANSFORM_SECONDS_PER_OBJECT
    partitions = TABLES * LAKE_MONTHS * 30
    sweep_gets = HOURS_A_MONTH * partitions
    sweep_lists = HOURS_A_MONTH * 2 * math.ceil(partitions / LIST_PAGE)
    sweep_seconds = sweep_gets * SWEEP_SECONDS_PER_REQUEST / SWEEP_REQUESTS_AT_ONCE
    queries = QUERIES_A_DAY * 30
    scanned = scanned_bytes(rows)
    athena_requests = queries * QUERY_DAYS * QUERY_TABLES * ATHENA_REQUESTS_PER_PARTITION
    first = min(webhooks, 300 * MILLION)
    return {
        "HTTP API": (first * HTTP_API + (webhooks - first) * HTTP_API_ABOVE_300_MILLION) / MILLION,
        "Logs": webhooks * LOG_BYTES / GIGABYTE * LOGS_GIGABYTE,
        "Ingest: calls": ingest_calls(webhooks),
        "Ingest: time": ingest_time(webhooks),
        "Firehose": webhooks * FIREHOSE_ROUNDING / GIBIBYTE * FIREHOSE_GIBIBYTE,
        "S3: writes and storage": puts / MILLION * S3_PUT + 3 * puts / MILLION * S3_GET + stored * S3_GIGABYTE,
        "Transform and queue": transform_seconds * LAMBDA_GIBIBYTE_SECOND
        + objects / MILLION * LAMBDA_REQUESTS
        + (EMPTY_POLLS + 3 * objects) / MILLION * SQS_REQUESTS,
        "Sweep": sweep_gets / MILLION * S3_GET
        + sweep_lists / MILLION * S3_PUT
        + sweep_seconds * LAMBDA_GIBIBYTE_SECOND,
        "Look-ups": lookups(webhooks),
        "Athena": queries * scanned / 1e12 * ATHENA_TERABYTE + athena_requests / MILLION * S3_GET,
        "Metrics, alarms, secrets, dashboard": fixed(),
    }


def scanned_bytes(rows: float) -> float:
    """Bytes for which Athena bills one query over QUERY_DAYS days of a lake that gets `rows` rows a month.

    The measured lake has a month of rows, and the query was measured over one day of it and over all 30. What it reads
    grows with the days of its window, and it always reads some days around it.
    """
    return billed_bytes(QUERY, QUERY_DAYS, rows)


def billed_bytes(query: str, days: int, rows: float) -> float:
    """As `scanned_bytes`, for any query of sql/queries over any number of days."""
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    cells = measured["queries"][query]
    day, month = cells["day_bytes"], cells["month_bytes"]
    read = day + (month - day) * (days - 1) / (30 - 1)
    return max(ATHENA_LEAST_BYTES, rows * read / measured["rows"])


def task(queries: list[tuple[str, int]], rows: float, more: int = 0) -> float:
    """USD of one run of a scheduled task, with `more` queries of the least size."""
    scanned = sum(billed_bytes(name, days, rows) for name, days in queries) + more * ATHENA_LEAST_BYTES
    seconds = TASK_SECONDS_PER_QUERY * (len(queries) + more)
    return scanned / 1e12 * ATHENA_TERABYTE + seconds * TASK_GIBIBYTES * LAMBDA_GIBIBYTE_SECOND


def tasks(webhooks: float) -> dict[str, float]:
    """USD a month of each scheduled task."""
    rows = webhooks * RECORDS_PER_WEBHOOK

    def report(days: int) -> float:
        names = [LIKE_CUBE if name == CUBE else name for name in [*query_names(), *TOTALS]]
        return task([(name, days) for name in names], rows)

    return {
        "`ReportSchedule=daily`": 30 * report(1),
        "`ReportSchedule=weekly`": 52 / 12 * report(7),
        "`ReportSchedule=monthly`": report(30),
        "`AlertMinutes=15`, all four alerts": 30 * 24 * 4 * task(list(ALERT_QUERIES.items()), rows),
        "of it, `AlertTicketMinutes` alone": 30 * 24 * 4 * task([("tickets", ALERT_QUERIES["tickets"])], rows),
        "`NightlyLists=true`": 30 * task(list(LIST_QUERIES.items()), rows, more=1),
    }


def lookups(webhooks: float) -> float:
    """USD for feeding and keeping the look-up table with point-in-time recovery, without the look-ups themselves."""
    records, messages = webhooks * RECORDS_PER_WEBHOOK, webhooks / WEBHOOKS_PER_MESSAGE
    writes = records + messages * INDEX_WRITES_PER_MESSAGE
    # Reads that are eventually consistent count half: one by ingest and one by the transform.
    reads = 2 * records / 2
    stored = messages * LOOKUP_MONTHS * LOOKUP_BYTES_PER_MESSAGE / GIGABYTE
    return writes / MILLION * DYNAMODB_WRITES + reads / MILLION * DYNAMODB_READS + stored * DYNAMODB_GIGABYTE


def archive_million() -> float:
    """USD for a million bodies in the archive of original bodies, each kept for 30 days."""
    delivered = MILLION * FIREHOSE_ROUNDING / GIBIBYTE * FIREHOSE_GIBIBYTE
    return delivered + MILLION * BODY_BYTES * GZIP_RATIO / GIGABYTE * S3_GIGABYTE


def refused_million() -> float:
    """USD for a million requests that are answered 401: API, logs and the function."""
    return api_and_ingest(MILLION, REFUSED_LOG_BYTES)


def tasks_table() -> str:
    columns = {name: tasks(millions * MILLION) for name, millions in VOLUMES.items()}
    lines = ["| USD a month, for webhooks a month | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    for item in next(iter(columns.values())):
        lines.append(f"| {item} | " + " | ".join(f"{column[item]:,.2f}" for column in columns.values()) + " |")
    return "\n".join(lines)


def table() -> str:
    volumes = VOLUMES
    columns = {name: costs(millions * MILLION) for name, millions in volumes.items()}
    lines = [
        "| USD a month, for webhooks | " + " | ".join(columns) + " |",
        "|---|" + "---:|" * len(columns),
    ]
    for item in next(iter(columns.values())):
        lines.append(f"| {item} | " + " | ".join(f"{column[item]:,.2f}" for column in columns.values()) + " |")
    sums = {name: sum(column.values()) for name, column in columns.items()}
    lines.append("| **Sum** | " + " | ".join(f"**{total:,.2f}**" for total in sums.values()) + " |")
    lines.append(
        "| **per million** | " + " | ".join(f"{total / volumes[name]:,.2f}" for name, total in sums.items()) + " |"
    )
    return "\n".join(lines)


def write_tables() -> None:
    """Puts both tables into docs/costs.md, in the place of those that stand there."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    for written in (table(), tasks_table()):
        header = written.splitlines()[0].split(" | ")[0] + " |"
        (start,) = (number for number, line in enumerate(lines) if line.startswith(header))
        end = next(number for number in range(start, len(lines)) if not lines[number].startswith("|"))
        lines[start:end] = written.splitlines()
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write_tables()
    print(table())
    print(f"\n{tasks_table()}")
    hundred_million = scanned_bytes(100 * MILLION * RECORDS_PER_WEBHOOK)
    print(f"\na query of a week at 100 million webhooks: {hundred_million / GIGABYTE:.1f} GB")
    print(f"fixed part: {fixed():.2f}; a million refused requests: {refused_million():.2f}")
    print(f"a million archived bodies: {archive_million():.2f}")
