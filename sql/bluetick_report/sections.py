"""The tables of the report: which query each shows, under which title, with which columns."""

from __future__ import annotations

from dataclasses import dataclass

# Kinds of cells.
TEXT, NAME, COUNT, RATE, SECONDS = "text", "name", "count", "rate", "seconds"
TIME, DATE, WEEKDAY, CODE, INTERVAL, SPREAD = "time", "date", "weekday", "code", "interval", "spread"
PAYLOAD = "payload"


@dataclass(frozen=True)
class Column:
    """A column of a table in the page.

    `name` is the query's column. For an INTERVAL it is `hits/trials`, the two columns of the rate that it belongs to;
    for a SPREAD it is `median/p90`, two durations shown in one cell.
    `definition` is a key of `definitions.DEFINITIONS`, or empty.
    """

    name: str
    label: str
    kind: str = TEXT
    definition: str = ""


@dataclass(frozen=True)
class Section:
    """A section with one table, perhaps a chart over it.

    `follows_filter` says whether the page recomputes it for a filter. The page holds the first `kept` rows.
    """

    id: str
    title: str
    query: str
    columns: tuple[Column, ...]
    intro: str = ""
    empty: str = "No data in this period."
    follows_filter: bool = False
    kept: int = 2_500


_CTR = (
    Column("delivered", "Delivered", COUNT, "delivered"),
    Column("clicked", "Clicked", COUNT, "clicked"),
    Column("ctr", "CTR", RATE, "ctr"),
    Column("clicked/delivered", "95 % interval", INTERVAL, "interval"),
    Column("clicks", "Clicks", COUNT, "clicks"),
)
_CTR_OF_MESSAGES = (Column("messages", "Clickable", COUNT, "clickable"), *_CTR)


def _durations() -> tuple[Column, ...]:
    steps = (
        ("sent_to_delivered", "Sent to delivered"),
        ("delivered_to_read", "Delivered to read"),
        ("read_to_click", "Read to click"),
        ("click_to_reply", "Click to reply"),
    )
    return tuple(Column(f"{name}_p50/{name}_p90", label, SPREAD, "durations") for name, label in steps)


SECTIONS: tuple[Section, ...] = (
    Section(
        "trend",
        "Trend by day",
        "funnel_daily",
        (
            Column("sent_date", "Day", DATE),
            Column("sent", "Sent", COUNT, "sent"),
            Column("delivered", "Delivered", COUNT, "delivered"),
            Column("read", "Read", COUNT, "read"),
            Column("clicked", "Clicked", COUNT, "clicked"),
            Column("replied", "Replied", COUNT, "replied"),
            Column("failed", "Failed", COUNT, "failed"),
        ),
        follows_filter=True,
    ),
    Section(
        "templates",
        "CTR by template",
        "ctr_by_template",
        (Column("template_name", "Template", NAME), *_CTR_OF_MESSAGES),
        follows_filter=True,
    ),
    Section(
        "buttons",
        "CTR by button",
        "ctr_by_button",
        (
            Column("template_name", "Template", NAME),
            Column("button", "Button"),
            Column("button_text", "Label"),
            *_CTR,
        ),
        intro="Each button is measured against the delivered messages that showed it.",
    ),
    Section(
        "campaigns",
        "CTR by campaign",
        "ctr_by_campaign",
        (Column("campaign_id", "Campaign", NAME), Column("campaign_name", "Name"), *_CTR_OF_MESSAGES),
        follows_filter=True,
    ),
    Section(
        "durations",
        "Time between steps",
        "funnel_by_template",
        (Column("template_name", "Template", NAME), *_durations()),
        intro="The median by template, and in brackets the 90th percentile.",
    ),
    Section(
        "heatmap",
        "When sending works",
        "ctr_by_hour",
        (
            Column("weekday", "Weekday", WEEKDAY),
            Column("hour", "Hour", COUNT),
            Column("delivered", "Delivered", COUNT, "delivered"),
            Column("clicked", "Clicked", COUNT, "clicked"),
            Column("ctr", "CTR", RATE, "heatmap"),
        ),
        intro="CTR by the local hour and weekday of sending.",
    ),
    Section(
        "failures",
        "Failures, and what to do",
        "failures",
        (
            Column("error_class", "Class", CODE, "failures"),
            Column("error_code", "Code", CODE),
            Column("error_title", "Reason"),
            Column("messages", "Messages", COUNT, "failed"),
            Column("share", "Share", RATE),
            Column("advice", "What to do"),
        ),
        empty="No message failed in this period.",
    ),
    Section(
        "tickets",
        "Ticket response times",
        "response_times",
        (
            Column("ticket_id", "Ticket"),
            Column("messages", "Messages", COUNT),
            Column("delivered", "Delivered", COUNT, "delivered"),
            Column("first_sent_at", "First sent (UTC)", TIME),
            Column("first_button", "First button"),
            Column("response_seconds", "Response time", SECONDS, "response_times"),
        ),
        intro="One row a ticket. The query tickets has one row a message, with its lift, floor and contact.",
        empty="No message of this period names a ticket.",
        kept=500,
    ),
    Section(
        "opt-outs",
        "Opt-outs",
        "opt_outs",
        (
            Column("event_date", "Day", DATE),
            Column("category", "Category"),
            Column("stops", "Stops", COUNT, "opt_outs"),
            Column("resumes", "Resumes", COUNT, "opt_outs"),
            Column("persons_stopped", "Persons who stopped", COUNT, "opt_outs"),
        ),
        empty="No request to stop or to resume messages came in this period.",
    ),
    Section(
        "opt-out-rate",
        "Opt-outs by template",
        "opt_out_rate",
        (
            Column("template_name", "Template", NAME),
            Column("messages", "Sent", COUNT, "sent"),
            Column("delivered", "Delivered", COUNT, "delivered"),
            Column("stop_clicked", "Stop clicked", COUNT, "opt_out_rate"),
            Column("opt_out_rate", "Opt-out rate", RATE, "opt_out_rate"),
            Column("refused", "Refused", COUNT, "opt_out_rate"),
        ),
    ),
    Section(
        "numbers",
        "CTR by business number",
        "ctr_by_number",
        (
            Column("account_id", "Account", NAME),
            Column("phone_number_id", "Number", NAME),
            *_CTR_OF_MESSAGES,
        ),
    ),
    Section(
        "quality",
        "Number quality and template state",
        "template_and_number_events",
        (
            Column("happened_at", "Time (UTC)", TIME),
            Column("phone_number_id", "Number"),
            Column("type", "Event", TEXT, "numbers"),
            Column("payload", "What the provider says", PAYLOAD),
        ),
        empty="No provider reported a change of a template or a number in this period.",
        kept=500,
    ),
    Section(
        "unattributed",
        "Data quality: unattributed clicks",
        "unattributed_clicks",
        (
            Column("reason", "Reason", TEXT, "unattributed"),
            Column("provider", "Provider"),
            Column("kind", "Kind"),
            Column("clicks", "Clicks", COUNT, "clicks"),
            Column("persons", "Persons", COUNT),
        ),
        empty="Every click of this period belongs to a known message.",
    ),
    Section(
        "late",
        "Data quality: late and unattributed receipts",
        "unattributed_receipts",
        (
            Column("reason", "Reason", TEXT, "late"),
            Column("provider", "Provider"),
            Column("status", "Status"),
            Column("receipts", "Receipts", COUNT),
            Column("messages", "Messages", COUNT),
        ),
        empty="Every receipt of this period belongs to a message and came in time.",
    ),
    Section(
        "rejected",
        "Data quality: rejected lines",
        "rejected_lines",
        (
            Column("delivered_on", "Day (UTC)"),
            Column("reason", "Reason", TEXT, "rejected"),
            Column("line_count", "Lines", COUNT),
            Column("objects", "Raw objects", COUNT),
        ),
        empty="No line was rejected in this period.",
    ),
    Section(
        "freshness",
        "Data quality: freshness",
        "freshness",
        (
            Column("table_name", "Table", TEXT, "freshness"),
            Column("provider", "Provider"),
            Column("row_count", "Rows", COUNT),
            Column("last_event_at", "Newest event (UTC)", TIME),
            Column("last_received_at", "Newest webhook (UTC)", TIME),
            Column("late_rows", "Late", COUNT, "late"),
            Column("late_share", "Late share", RATE, "late"),
            Column("lag_p50", "Delay, median", SECONDS),
            Column("lag_p90", "Delay, 90 %", SECONDS),
        ),
    ),
)
