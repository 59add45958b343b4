"""The dashboard that Grafana, Superset and Metabase show: which queries, as what, with which columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TITLE = "WhatsApp engagement"
SUMMARY = "Messages sent on the days of the dashboard, and what became of them. docs/metrics.md defines every figure."

Kind = Literal["numbers", "lines", "table"]


@dataclass(frozen=True)
class Panel:
    """One panel: the answer of `query`.

    `numbers` shows the columns of its single row, `lines` the columns over `day`, `table` the columns of its rows.
    """

    title: str
    query: str
    kind: Kind
    columns: tuple[str, ...]
    day: str = ""


# Shares between 0 and 1, which the tools show in percent.
RATES = frozenset({"ctr", "click_to_read", "unique_ctr", "delivery_rate", "share", "late_share"})

PANELS = (
    Panel(
        "Click-through rate",
        "ctr_total",
        "numbers",
        ("messages", "delivered", "clicked", "clicks", "ctr", "unique_ctr"),
    ),
    Panel("Messages by day", "funnel_daily", "lines", ("sent", "delivered", "read", "clicked", "failed"), "sent_date"),
    Panel("CTR by day", "ctr_daily", "lines", ("ctr", "click_to_read"), "sent_date"),
    Panel(
        "Templates",
        "ctr_by_template",
        "table",
        ("template_name", "messages", "delivered", "read", "clicked", "ctr", "click_to_read", "unknown_buttons"),
    ),
    Panel(
        "Buttons",
        "ctr_by_button",
        "table",
        ("template_name", "button", "button_text", "delivered", "clicked", "clicks", "ctr"),
    ),
    Panel(
        "Campaigns",
        "ctr_by_campaign",
        "table",
        ("campaign_id", "campaign_name", "messages", "delivered", "clicked", "ctr"),
    ),
    Panel(
        "Business numbers",
        "funnel_by_number",
        "table",
        ("phone_number_id", "sent", "delivered", "read", "clicked", "delivery_rate"),
    ),
    Panel("Clicks by weekday and hour", "clicks_by_hour", "table", ("weekday", "hour", "clicks", "persons")),
    Panel("Failures", "failures", "table", ("error_class", "error_code", "error_title", "advice", "messages", "share")),
    Panel("Opt-outs", "opt_outs", "table", ("event_date", "category", "stops", "resumes", "persons_stopped")),
    Panel(
        "Freshness",
        "freshness",
        "table",
        ("table_name", "provider", "row_count", "last_event_at", "last_received_at", "late_share", "lag_p90"),
    ),
)
