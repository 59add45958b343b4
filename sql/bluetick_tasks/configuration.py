"""The settings of the scheduled tasks, from the environment of the function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bluetick_sql.statements import Settings

SCHEDULES = ("daily", "weekly", "monthly")


@dataclass(frozen=True)
class Configuration:
    """What the tasks do. `alert_ticket_minutes` and `alert_failure_percent` are 0 if the alert is off.

    With `link_hours` 0 no link is sent that works without access to AWS.
    """

    settings: Settings
    workgroup: str
    bucket: str
    topic: str
    region: str
    schedule: str = "weekly"
    link_hours: int = 0
    alert_ticket_minutes: int = 0
    alert_failure_percent: float = 0.0
    alert_ctr: bool = False
    alert_account_events: bool = False


def from_environment(environment: Mapping[str, str]) -> Configuration:
    """Raises ValueError, which names the variable, if one is missing or has a wrong value."""

    def text(name: str) -> str:
        if not environment.get(name):
            raise ValueError(f"the variable {name} is missing")
        return environment[name]

    def number(name: str) -> float:
        value = environment.get(name) or "0"
        try:
            found = float(value)
        except ValueError:
            found = -1.0
        if not 0 <= found < float("inf"):
            raise ValueError(f"the variable {name} is {value!r}: give a number, 0 or greater")
        return found

    def flag(name: str) -> bool:
        value = environment.get(name) or "false"
        if value not in ("true", "false"):
            raise ValueError(f"the variable {name} is {value!r}: give true or false")
        return value == "true"

    def schedule() -> str:
        # Without one the function still answers, so that a report can be asked for by hand.
        value = environment.get("REPORT_SCHEDULE") or "weekly"
        if value not in SCHEDULES:
            raise ValueError(f"the variable REPORT_SCHEDULE is {value!r}: give one of {', '.join(SCHEDULES)}")
        return value

    return Configuration(
        settings=Settings(
            database=text("DATABASE"),
            timezone=text("TIME_ZONE"),
            attribution_hours=int(number("ATTRIBUTION_HOURS")),
            first_day=text("FIRST_DAY"),
        ),
        workgroup=text("ATHENA_WORKGROUP"),
        bucket=text("RESULT_BUCKET"),
        topic=text("TOPIC_ARN"),
        region=text("AWS_REGION"),
        schedule=schedule(),
        link_hours=int(number("REPORT_LINK_HOURS")),
        alert_ticket_minutes=int(number("ALERT_TICKET_MINUTES")),
        alert_failure_percent=number("ALERT_FAILURE_PERCENT"),
        alert_ctr=flag("ALERT_CTR"),
        alert_account_events=flag("ALERT_ACCOUNT_EVENTS"),
    )
