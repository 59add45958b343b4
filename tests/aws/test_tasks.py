"""The scheduled tasks: the packaged function against S3, SNS and SQS of the emulator and a double of Athena."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import threading
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from samtranslator.yaml_helper import yaml_parse

import tasks_package
from athena_double import Athena
from binaries import ROOT
from bluetick_report.figures import collect
from bluetick_report.page import render
from bluetick_report.periods import Period
from bluetick_report.queries import Queries
from bluetick_sql.duck import DuckEngine
from bluetick_sql.lake import LocalLake
from bluetick_sql.rows import Result
from bluetick_sql.statements import Settings, Statement
from bluetick_tasks import tasks
from bluetick_tasks.configuration import Configuration, from_environment
from emulator import REGION, SCHEDULED_TASKS, Emulator, wait_for
from endpoint import Endpoint
from lake_writer import at, write_lake
from ports import free_port
from scenario import ROWS, TIMEZONE

SETTINGS = Settings(timezone=TIMEZONE)
BUCKET = "bluetick-results"
# Friday, 13 November, 01:00 in Kolkata.
NOW = datetime(2026, 11, 12, 19, 30, tzinfo=UTC)
STOPPED = {
    "event_id": "s1",
    "type": "user_preferences",
    "event_ts": at("2026-11-11 09:00:00"),
    "wa_id": "p9",
    "category": "marketing_messages",
    "preference": "stop",
}
RESUMED = [
    {**STOPPED, "event_id": f"r{number}", "wa_id": "p8", "preference": preference, "event_ts": at(when)}
    for number, (preference, when) in enumerate([("stop", "2026-11-10 09:00:00"), ("resume", "2026-11-11 10:00:00")])
]
WAITING = {"message_id": "W", "event_ts": at("2026-11-12 18:30:00"), "provider": "tracker", "ticket_id": "T9"}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckEngine]:
    """The scenario's lake with a ticket that waits, a person who opted out and one who came back."""
    rows = {
        **ROWS,
        "sends": [*ROWS["sends"], {**WAITING, "wa_id": "p1"}],
        "account_events": [*ROWS.get("account_events", []), STOPPED, *RESUMED],
    }
    lake = write_lake(tmp_path_factory.mktemp("tasks") / "lake", rows)
    with DuckEngine(LocalLake(lake), SETTINGS) as engine:
        yield engine


@pytest.fixture(scope="module")
def athena(engine: DuckEngine) -> Athena:
    lock = threading.Lock()

    def answers(text: str, values: list[str]) -> Result:
        # The query tickets asks the engine's clock which tickets have expired.
        at_now = text.replace("current_timestamp", f"with_timezone(TIMESTAMP '{NOW:%Y-%m-%d %H:%M:%S}', 'UTC')")
        with lock:
            return engine.run(Statement("asked", at_now), values)

    return Athena(answers=answers)


@dataclass
class Cloud:
    """S3, and a topic with a queue that receives its messages."""

    endpoint: Endpoint
    topic: str
    queue: str
    client: Callable[[str], Any]

    def received(self) -> list[dict[str, str]]:
        """The messages since the last call."""
        found = []
        while (
            messages := self.client("sqs").receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages")
        ):
            for message in messages:
                found.append(json.loads(message["Body"]))
                self.client("sqs").delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    def read(self, key: str) -> str:
        return self.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read().decode("utf-8")


@pytest.fixture(scope="module")
def cloud(athena: Athena, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    port, emulator_port = free_port(), free_port()
    endpoint = Endpoint(port, emulator_port)
    endpoint.athena = athena
    emulator = None
    try:
        log = tmp_path_factory.mktemp("emulator") / "log"
        emulator = Emulator(log, endpoint.url, emulator_port, enforce_iam=False)
        emulator.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        topic = emulator.client("sns").create_topic(Name="reports")["TopicArn"]
        queue = emulator.client("sqs").create_queue(QueueName="reader")["QueueUrl"]
        attributes = emulator.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        emulator.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=attributes["Attributes"]["QueueArn"])
        yield Cloud(endpoint, topic, queue, emulator.client)
    finally:
        endpoint.stop()
        if emulator:
            emulator.stop()


def run(cloud: Cloud, athena: Athena, task: str, now: datetime = NOW, **more: Any) -> dict[str, Any]:
    """A task in this process, at a time of the test's."""
    configuration = Configuration(SETTINGS, "group", BUCKET, cloud.topic, REGION, **more)
    clients = (athena, cloud.client("s3"), cloud.client("sns"))
    return tasks.Tasks(configuration, *clients, now=lambda: now).run(task)


# The function as Lambda starts it, but for the clock. What the package must not need cannot be imported.
START = f"""
import functools, json, sys
for name in ("duckdb", "sqlglot", "vl_convert", "pyarrow", "pytz"):
    sys.modules[name] = None
import datetime
import bluetick_tasks.handler as handler
now = lambda: datetime.datetime.fromisoformat({NOW.isoformat()!r})
handler.Tasks = functools.partial(handler.Tasks, now=now)
handler.handler(json.loads(sys.argv[1]), None)
print(handler.__file__, sys.modules["jinja2"].__file__, file=sys.stderr)
"""


def test_the_packaged_function_writes_the_report_that_the_command_writes(
    cloud: Cloud, engine: DuckEngine, tmp_path: Path
) -> None:
    package = tmp_path / "package"
    tasks_package.write_package(package)
    variables = {
        "PYTHONPATH": str(package),
        "AWS_ENDPOINT_URL": cloud.endpoint.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "ATHENA_WORKGROUP": "group",
        "DATABASE": SETTINGS.database,
        "TIME_ZONE": TIMEZONE,
        "ATTRIBUTION_HOURS": "72",
        "FIRST_DAY": SETTINGS.first_day,
        "RESULT_BUCKET": BUCKET,
        "TOPIC_ARN": cloud.topic,
        "REPORT_SCHEDULE": "weekly",
        "REPORT_LINK_HOURS": "2",
    }
    command = [sys.executable, "-c", START, '{"task": "report"}']
    done = subprocess.run(
        command,
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert all(Path(file).is_relative_to(package) for file in done.stderr.split()[-2:])
    days = Period(date(2026, 11, 6), date(2026, 11, 12))
    key = f"reports/{days.first}_{days.last}.html"
    assert json.loads(done.stdout)["key"] == key
    expected = render(collect(Queries(engine), SETTINGS, days, lambda name: None), tasks.TITLE)
    assert cloud.read(key) == expected
    [message] = cloud.received()
    assert message["Subject"] == f"Report {days.first} to {days.last}"
    assert f"https://{REGION}.console.aws.amazon.com/s3/object/{BUCKET}?region={REGION}&prefix=" in message["Message"]
    link = re.search(r"link, for at most 2 h: (\S+)", message["Message"])
    assert link is not None and "X-Amz-Expires=7200" in link[1]
    # Lambda takes 250 MB; the largest file is the JavaScript of the charts.
    assert sum(path.stat().st_size for path in package.rglob("*")) < 10_000_000


def test_without_link_hours_no_link_works_without_access(cloud: Cloud, athena: Athena) -> None:
    configuration = Configuration(SETTINGS, "group", BUCKET, cloud.topic, REGION)
    where = tasks.Tasks(configuration, athena, cloud.client("s3"), cloud.client("sns"))._where("reports/a b.html")
    assert "Signature" not in where and "prefix=reports%2Fa%20b.html" in where


def test_the_link_opens_the_page_without_access(cloud: Cloud, athena: Athena) -> None:
    configuration = Configuration(SETTINGS, "group", BUCKET, cloud.topic, REGION, link_hours=1)
    told = tasks.Tasks(configuration, athena, cloud.client("s3"), cloud.client("sns"))
    told._put("reports/page.html", b"<p>page", "text/html; charset=utf-8")
    link = re.search(r"this link, for at most 1 h: (\S+)", told._where("reports/page.html"))
    assert link is not None
    with urllib.request.urlopen(link[1]) as page:
        assert (page.read(), page.headers["Content-Type"]) == (b"<p>page", "text/html; charset=utf-8")


def test_an_alert_is_told_once_and_again_after_it_was_gone(cloud: Cloud, athena: Athena) -> None:
    more = {"alert_ticket_minutes": 30, "alert_failure_percent": 50.0, "alert_ctr": True, "alert_account_events": True}
    assert run(cloud, athena, "alerts", **more) == {"findings": 1, "new": 1}
    [message] = cloud.received()
    assert message["Message"] == "Ticket T9: no answer for 60 minutes, sent 2026-11-12 18:30 UTC, now sent."
    assert message["Subject"].startswith("1 alert: Ticket T9")
    assert run(cloud, athena, "alerts", **more) == {"findings": 1, "new": 0}
    assert cloud.received() == []
    assert run(cloud, athena, "alerts", alert_ticket_minutes=90) == {"findings": 0, "new": 0}
    assert run(cloud, athena, "alerts", **more) == {"findings": 1, "new": 1}
    assert len(cloud.received()) == 1


def test_an_unreadable_list_of_told_alerts_is_as_none(cloud: Cloud, athena: Athena) -> None:
    for body in (b"{", b"5", b"\xff"):
        cloud.client("s3").put_object(Bucket=BUCKET, Key=tasks.TOLD, Body=body)
        assert run(cloud, athena, "alerts", alert_ticket_minutes=30) == {"findings": 1, "new": 1}
    assert len(cloud.received()) == 3


def test_alerts_that_are_off_ask_nothing(cloud: Cloud) -> None:
    def refuse(text: str, values: list[str]) -> Result:
        raise AssertionError(text)

    assert run(cloud, Athena(answers=refuse), "alerts")["findings"] == 0


def test_lists_are_csv_of_people(cloud: Cloud, athena: Athena) -> None:
    rows = run(cloud, athena, "lists")["rows"]
    lists = {Path(key).stem: list(csv.DictReader(io.StringIO(cloud.read(key)))) for key in rows}
    assert [row["person"] for row in lists["opted_out"]] == ["p9"]
    assert [(row["reason"], row["recipient"]) for row in lists["suppress"]] == [("undeliverable", "p5")]
    assert lists["resend"] == []
    assert {key: len(lists[Path(key).stem]) for key in rows} == rows
    assert all(key.startswith("lists/2026-11-12/") for key in rows)
    [message] = cloud.received()
    assert "p9" not in message["Message"], "an email must not contain people"


def test_a_message_that_sns_would_refuse_is_cut(cloud: Cloud, athena: Athena) -> None:
    configuration = Configuration(SETTINGS, "group", BUCKET, cloud.topic, REGION)
    told = tasks.Tasks(configuration, athena, cloud.client("s3"), cloud.client("sns"))
    told._tell("Ünsent\n" * 50, "ü" * 200_000)
    [message] = cloud.received()
    assert message["Subject"] == ("?nsent?" * 50)[:99]
    assert message["Message"].endswith("… (cut)") and len(message["Message"].encode()) < 262_144


def test_a_refused_query_ends_the_task_with_its_reason(cloud: Cloud) -> None:
    def refuse(text: str, values: list[str]) -> Result:
        raise RuntimeError("Query exhausted resources")

    with pytest.raises(RuntimeError, match="Query exhausted resources"):
        run(cloud, Athena(answers=refuse), "lists")
    assert cloud.received() == []


def test_an_unknown_task_is_refused(cloud: Cloud, athena: Athena) -> None:
    with pytest.raises(ValueError, match="the task is 'dance': give one of report, alerts, lists"):
        run(cloud, athena, "dance")


@pytest.mark.parametrize(
    ("schedule", "today", "days"),
    [
        ("daily", date(2026, 3, 1), (date(2026, 2, 28), date(2026, 2, 28))),
        ("weekly", date(2026, 3, 2), (date(2026, 2, 23), date(2026, 3, 1))),
        ("monthly", date(2026, 3, 2), (date(2026, 2, 1), date(2026, 2, 28))),
        # The local day behind UTC's second of the month.
        ("monthly", date(2026, 3, 1), (date(2026, 2, 1), date(2026, 2, 28))),
    ],
)
def test_a_report_covers_whole_days_that_are_over(schedule: str, today: date, days: tuple[date, date]) -> None:
    assert tasks.reported_period(schedule, today) == Period(*days)


ENVIRONMENT = {
    "ATHENA_WORKGROUP": "group",
    "DATABASE": "bluetick",
    "TIME_ZONE": "UTC",
    "ATTRIBUTION_HOURS": "72",
    "FIRST_DAY": "2024-01-01",
    "RESULT_BUCKET": BUCKET,
    "TOPIC_ARN": "arn",
    "AWS_REGION": REGION,
}


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("TOPIC_ARN", "", "TOPIC_ARN is missing"),
        ("ALERT_TICKET_MINUTES", "soon", "ALERT_TICKET_MINUTES is 'soon'"),
        ("ALERT_FAILURE_PERCENT", "-1", "ALERT_FAILURE_PERCENT is '-1'"),
        ("ALERT_FAILURE_PERCENT", "nan", "ALERT_FAILURE_PERCENT is 'nan'"),
        ("ALERT_CTR", "yes", "ALERT_CTR is 'yes'"),
        ("REPORT_SCHEDULE", "hourly", "REPORT_SCHEDULE is 'hourly'"),
        ("TIME_ZONE", "Mars/Olympus", "no time zone"),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        from_environment({**ENVIRONMENT, name: value})


def test_the_template_sets_the_variables_that_the_function_reads() -> None:
    template = yaml_parse(SCHEDULED_TASKS.read_text(encoding="utf-8"))
    variables = template["Resources"]["TasksFunction"]["Properties"]["Environment"]["Variables"]
    source = (ROOT / "sql" / "bluetick_tasks" / "configuration.py").read_text(encoding="utf-8")
    read = set(re.findall(r'(?:text|number|flag|get)\("([A-Z_]+)"\)', source))
    # Lambda itself sets the region.
    assert read - {"AWS_REGION"} == set(variables)


def test_the_template_starts_the_tasks_that_exist(cloud: Cloud, athena: Athena) -> None:
    resources = yaml_parse(SCHEDULED_TASKS.read_text(encoding="utf-8"))["Resources"]
    inputs = [
        json.loads(item["Properties"]["Targets"][0]["Input"])["task"]
        for item in resources.values()
        if item["Type"] == "AWS::Events::Rule"
    ]
    assert sorted(inputs) == ["alerts", "lists", "report"]
    assert all(callable(getattr(tasks.Tasks, task)) for task in inputs)
    module, function = resources["TasksFunction"]["Properties"]["Handler"].rsplit(".", 1)
    assert (module, function) == ("bluetick_tasks.handler", "handler")


def test_the_nested_stack_has_the_schedules_of_its_parameters(cloud: Cloud) -> None:
    template = yaml_parse(SCHEDULED_TASKS.read_text(encoding="utf-8"))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("bluetick_tasks/handler.py", "def handler(event, context): return event")
    cloud.client("s3").put_object(Bucket=BUCKET, Key="code.zip", Body=archive.getvalue())
    template["Resources"]["TasksFunction"]["Properties"]["Code"] = {"S3Bucket": BUCKET, "S3Key": "code.zip"}
    given = {
        **dict.fromkeys(template["Parameters"], ""),
        "StackName": "nested",
        "ReportSchedule": "weekly",
        "ReportHour": "5",
        "AlertMinutes": "15",
        "NightlyLists": "true",
        "AttributionHours": "72",
        "LogRetentionDays": "30",
        "ReportLinkHours": "0",
        "AlertTicketMinutes": "30",
        "AlertFailurePercent": "0",
    }
    cloudformation = cloud.client("cloudformation")
    cloudformation.create_stack(
        StackName="nested",
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        Capabilities=["CAPABILITY_IAM"],
    )

    def ended() -> str | None:
        status = cloudformation.describe_stacks(StackName="nested")["Stacks"][0]["StackStatus"]
        return None if status.endswith("_IN_PROGRESS") else status

    assert wait_for("the stack's creation", ended) == "CREATE_COMPLETE"
    rules = {rule["ScheduleExpression"] for rule in cloud.client("events").list_rules()["Rules"]}
    assert rules == {"cron(0 5 ? * MON *)", "rate(15 minutes)", "cron(0 5 * * ? *)"}
    kinds = [
        item["ResourceType"] for item in cloudformation.describe_stack_resources(StackName="nested")["StackResources"]
    ]
    assert kinds.count("AWS::Lambda::Permission") == 3 and "AWS::SNS::Subscription" not in kinds


def test_the_role_allows_what_the_function_calls() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "sql" / "bluetick_tasks").glob("*.py"))
    source += (ROOT / "sql" / "bluetick_sql" / "athena.py").read_text(encoding="utf-8")
    actions = {
        service + ":" + boto3.session.Session().client(service, region_name=REGION).meta.method_to_api_mapping[method]
        for client, service in (("athena", "athena"), ("client", "athena"), ("s3", "s3"), ("sns", "sns"))
        for method in re.findall(rf"self\.{client}\.([a-z_]+)\(", source)
        if method != "generate_presigned_url"
    }
    assert actions == {
        "athena:GetQueryExecution",
        "athena:GetQueryResults",
        "athena:StartQueryExecution",
        "s3:GetObject",
        "s3:PutObject",
        "sns:Publish",
    }
    [policy] = yaml_parse(SCHEDULED_TASKS.read_text(encoding="utf-8"))["Resources"]["TasksRole"]["Properties"][
        "Policies"
    ]
    allowed = {
        action
        for item in policy["PolicyDocument"]["Statement"]
        if "Action" in item
        for action in (item["Action"] if isinstance(item["Action"], list) else [item["Action"]])
    }
    assert actions <= allowed
    # What Athena needs in the caller's name, and the function's log; nothing that writes to the lake or deletes.
    assert {action.split(":")[0] for action in allowed - actions} == {"glue", "logs", "s3"}
    assert not [action for action in allowed if "Delete" in action or action.endswith("*")]
