#!/usr/bin/env python3
"""Prints the table of docs/costs.md: USD a month by number of webhooks, at list prices of us-east-1, no free tiers.

Prices are those of AWS's price pages in 2026; change them, or the assumptions, and run it again.
"""

from __future__ import annotations

MILLION = 1_000_000
GIGABYTE = 1_000_000_000
GIBIBYTE = 2**30
SECONDS_A_MONTH = 30 * 24 * 3600

# Assumptions.
RECORDS_PER_WEBHOOK = 1.2
LINE_BYTES = 420
INGEST_SECONDS, INGEST_GIBIBYTES = 0.015, 0.25
# The metrics of a call and its line in the access log.
LOG_BYTES = 600 + 350
BUFFERING_SECONDS, BUFFERING_BYTES = 300, 64 * 2**20
# Of NDJSON, as measured on simulated webhooks.
GZIP_RATIO, PARQUET_RATIO = 0.14, 0.14
RAW_MONTHS, LAKE_MONTHS = 3, 12
PARTITIONS_PER_OBJECT = 4
TRANSFORM_ROWS_PER_SECOND, REWRITES, TRANSFORM_SECONDS_PER_OBJECT = 150_000, 4, 0.5
QUERIES_A_DAY, QUERY_DAYS, QUERY_COLUMNS = 10, 7, 0.4
PROVIDERS = 2
METRICS_PER_PROVIDER, OTHER_METRICS = 7, 14
# The alarms on sums count each of their metrics.
ALARM_METRICS = 16 + 3 * 5

# Prices.
HTTP_API, HTTP_API_ABOVE_300_MILLION = 1.00, 0.90
LAMBDA_REQUESTS, LAMBDA_GIBIBYTE_SECOND = 0.20, 0.0000133334
LOGS_GIGABYTE = 0.50
FIREHOSE_GIBIBYTE, FIREHOSE_ROUNDING = 0.029, 5 * 1024
S3_PUT, S3_GET, S3_GIGABYTE = 5.0, 0.40, 0.023
SQS_REQUESTS = 0.40
EMPTY_POLLS = 1.3 * MILLION
ATHENA_TERABYTE, ATHENA_LEAST_BYTES = 5.00, 10_000_000
SECRET, ALARM_METRIC, METRIC = 0.40, 0.10, 0.30


def costs(webhooks: float) -> dict[str, float]:
    """USD a month by item."""
    rows = webhooks * RECORDS_PER_WEBHOOK
    json_bytes = rows * LINE_BYTES
    objects = max(SECONDS_A_MONTH / BUFFERING_SECONDS, json_bytes / BUFFERING_BYTES)
    # A commit puts a part and a manifest, and reads about three times as often.
    puts = objects * (1 + 2 * PARTITIONS_PER_OBJECT)
    stored = json_bytes / GIGABYTE * (GZIP_RATIO * RAW_MONTHS + PARQUET_RATIO * LAKE_MONTHS)
    transform_seconds = rows * REWRITES / TRANSFORM_ROWS_PER_SECOND + objects * TRANSFORM_SECONDS_PER_OBJECT
    scanned = max(ATHENA_LEAST_BYTES, json_bytes * PARQUET_RATIO / 30 * QUERY_DAYS * QUERY_COLUMNS)
    first = min(webhooks, 300 * MILLION)
    return {
        "HTTP API": (first * HTTP_API + (webhooks - first) * HTTP_API_ABOVE_300_MILLION) / MILLION,
        "Logs": webhooks * LOG_BYTES / GIGABYTE * LOGS_GIGABYTE,
        "Ingest: calls": webhooks / MILLION * LAMBDA_REQUESTS,
        "Ingest: time": webhooks * INGEST_SECONDS * INGEST_GIBIBYTES * LAMBDA_GIBIBYTE_SECOND,
        "Firehose": webhooks * FIREHOSE_ROUNDING / GIBIBYTE * FIREHOSE_GIBIBYTE,
        "S3": puts / MILLION * S3_PUT + 3 * puts / MILLION * S3_GET + stored * S3_GIGABYTE,
        "Transform and queue": transform_seconds * LAMBDA_GIBIBYTE_SECOND
        + objects / MILLION * LAMBDA_REQUESTS
        + (EMPTY_POLLS + 3 * objects) / MILLION * SQS_REQUESTS,
        "Athena": QUERIES_A_DAY * 30 * scanned / 1e12 * ATHENA_TERABYTE,
        "Metrics, alarms, secret": (PROVIDERS * METRICS_PER_PROVIDER + OTHER_METRICS) * METRIC
        + ALARM_METRICS * ALARM_METRIC
        + SECRET,
    }


def table() -> str:
    volumes = {"1 million": 1, "10 million": 10, "100 million": 100, "1 billion": 1000}
    columns = {name: costs(millions * MILLION) for name, millions in volumes.items()}
    lines = [
        "| USD a month, for webhooks | " + " | ".join(columns) + " |",
        "|---|" + "---:|" * len(columns),
    ]
    for item in next(iter(columns.values())):
        lines.append(f"| {item} | " + " | ".join(f"{column[item]:,.2f}" for column in columns.values()) + " |")
    lines.append("| **Sum** | " + " | ".join(f"**{sum(column.values()):,.2f}**" for column in columns.values()) + " |")
    lines.append(
        "| **for a million** | "
        + " | ".join(f"{sum(column.values()) / volumes[name]:,.2f}" for name, column in columns.items())
        + " |"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
