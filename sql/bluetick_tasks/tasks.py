"""The scheduled tasks: each asks Athena, writes to the results bucket and tells the topic."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from bluetick_report.figures import collect
from bluetick_report.page import render
from bluetick_report.periods import Period
from bluetick_report.queries import Queries
from bluetick_sql.athena import AthenaEngine
from bluetick_sql.rows import Result, as_csv
from bluetick_sql.statements import bind, find_query, read_statement

from . import rules
from .configuration import Configuration
from .rules import Finding

TITLE = "WhatsApp engagement"
TOLD = "alerts/told.json"
# SNS cuts nothing: it refuses a message of more than 262,144 bytes.
_LARGEST_MESSAGE = 200_000
_TICKET_DAYS, _RECENT_DAYS = 4, 2
_LIST_DAYS, _OPT_OUT_DAYS = 30, 365
_OPTED_OUT = Path(__file__).with_name("opted_out.sql")


@dataclass
class Tasks:
    """The tasks with their clients of boto3. `now` is the present in UTC, with its zone."""

    configuration: Configuration
    athena: Any
    s3: Any
    sns: Any
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def run(self, task: str) -> dict[str, Any]:
        """Runs the task of this name and says what it did. Raises ValueError for another name."""
        known = {"report": self.report, "alerts": self.alerts, "lists": self.lists}
        if task not in known:
            raise ValueError(f"the task is {task!r}: give one of {', '.join(known)}")
        return known[task]()

    @property
    def today(self) -> date:
        """The present day in the time zone of the report."""
        return self.now().astimezone(ZoneInfo(self.configuration.settings.timezone)).date()

    def report(self) -> dict[str, Any]:
        """Writes the report of the last whole days as a page, and sends where it is."""
        period = reported_period(self.configuration.schedule, self.today)
        queries = Queries(self._engine())
        page = render(collect(queries, self.configuration.settings, period, lambda name: None), TITLE)
        key = f"reports/{period.first}_{period.last}.html"
        self._put(key, page.encode("utf-8"), "text/html; charset=utf-8")
        subject = f"Report {period.first} to {period.last}"
        self._tell(subject, f"The report of {period.first} to {period.last} is ready.\n\n{self._where(key)}")
        return {"key": key, "bytes": len(page.encode("utf-8"))}

    def alerts(self) -> dict[str, Any]:
        """Sends what the rules find and did not find in the run before."""
        findings = self._findings()
        before = self._told()
        new = [finding for finding in findings if finding.key not in before]
        if new:
            count = "1 alert" if len(new) == 1 else f"{len(new)} alerts"
            self._tell(f"{count}: {new[0].text}", "\n".join(finding.text for finding in new))
        # After the message: if it fails, the next run sends it again.
        if {finding.key for finding in findings} != before:
            told = json.dumps(sorted({finding.key for finding in findings}))
            self._put(TOLD, told.encode(), "application/json")
        return {"findings": len(findings), "new": len(new)}

    def lists(self) -> dict[str, Any]:
        """Writes the lists of the last thirty days as CSV: whom to suppress, to whom to send again, who opted out."""
        yesterday = self.today - timedelta(days=1)
        days = _window(yesterday - timedelta(days=_LIST_DAYS - 1), yesterday)
        year = _window(yesterday - timedelta(days=_OPT_OUT_DAYS - 1), yesterday)
        answers = {
            "suppress": self._ask("numbers_to_suppress", days),
            "resend": self._ask("messages_to_resend", days),
            "opted_out": self._engine().run(read_statement(_OPTED_OUT), [year["from"], year["to"]]),
        }
        written = {}
        for name, answer in answers.items():
            key = f"lists/{yesterday}/{name}.csv"
            self._put(key, as_csv(answer).encode("utf-8"), "text/csv; charset=utf-8")
            written[key] = len(answer.rows)
        lines = [f"{rows} rows: {self._console(key)}" for key, rows in written.items()]
        self._tell(f"Lists of {yesterday}", "The lists are ready.\n\n" + "\n".join(lines))
        return {"rows": written}

    def _findings(self) -> list[Finding]:
        configuration, today = self.configuration, self.today
        recent = _window(today - timedelta(days=_RECENT_DAYS - 1), today)
        found: list[Finding] = []
        if configuration.alert_ticket_minutes:
            tickets = self._ask("tickets", _window(today - timedelta(days=_TICKET_DAYS - 1), today))
            now = self.now().astimezone(UTC).replace(tzinfo=None)
            found += rules.unanswered_tickets(tickets, now, configuration.alert_ticket_minutes)
        if configuration.alert_failure_percent:
            found += rules.failure_share(self._ask("funnel_daily", recent), configuration.alert_failure_percent)
        if configuration.alert_ctr:
            day = rules.last_complete_day(today, configuration.settings.attribution_hours)
            days = _window(day - timedelta(days=rules.BAND_DAYS), day)
            found += rules.ctr_below_band(self._ask("ctr_daily", days), day)
        if configuration.alert_account_events:
            found += rules.account_events(self._ask("template_and_number_events", recent))
        # Two sources may report one event.
        return list({finding.key: finding for finding in reversed(found)}.values())[::-1]

    def _engine(self) -> AthenaEngine:
        return AthenaEngine(self.configuration.settings, self.configuration.workgroup, self.athena)

    def _ask(self, name: str, values: dict[str, str]) -> Result:
        statement = find_query(name)
        return self._engine().run(statement, bind(statement, values))

    def _put(self, key: str, body: bytes, kind: str) -> None:
        self.s3.put_object(Bucket=self.configuration.bucket, Key=key, Body=body, ContentType=kind)

    def _told(self) -> set[str]:
        """The keys of the findings of the run before."""
        try:
            body = self.s3.get_object(Bucket=self.configuration.bucket, Key=TOLD)["Body"].read()
        except self.s3.exceptions.NoSuchKey:
            return set()
        try:
            return {str(key) for key in json.loads(body)}
        except (ValueError, TypeError):
            # An alert that is sent twice is better than none until somebody deletes the object.
            return set()

    def _where(self, key: str) -> str:
        """Where the page is: for people with AWS access, and by `link_hours` for everybody who has the link."""
        places = f"For people with access to AWS: {self._console(key)}\n"
        hours = self.configuration.link_hours
        if hours:
            link = self.s3.generate_presigned_url(
                "get_object", Params={"Bucket": self.configuration.bucket, "Key": key}, ExpiresIn=hours * 3600
            )
            places += f"For everybody with this link, for at most {hours} h: {link}\n"
        return places

    def _console(self, key: str) -> str:
        region, bucket = self.configuration.region, self.configuration.bucket
        return (
            f"https://{region}.console.aws.amazon.com/s3/object/{bucket}?region={region}&prefix={quote(key, safe='')}"
        )

    def _tell(self, subject: str, text: str) -> None:
        # SNS takes less than 100 characters of ASCII as the subject of an email, without control characters.
        plain = "".join(character if " " <= character <= "~" else "?" for character in subject)
        body = text.encode("utf-8")
        if len(body) > _LARGEST_MESSAGE:
            text = body[:_LARGEST_MESSAGE].decode("utf-8", "ignore") + "\n… (cut)"
        self.sns.publish(TopicArn=self.configuration.topic, Subject=plain[:99], Message=text)


def reported_period(schedule: str, today: date) -> Period:
    """The days of a report that is written today: yesterday, seven days that ended yesterday, or the month before."""
    yesterday = today - timedelta(days=1)
    if schedule == "monthly":
        end = today.replace(day=1) - timedelta(days=1)
        return Period(end.replace(day=1), end)
    return Period(yesterday - timedelta(days=6 if schedule == "weekly" else 0), yesterday)


def _window(first: date, last: date) -> dict[str, str]:
    return {"from": first.isoformat(), "to": last.isoformat()}
