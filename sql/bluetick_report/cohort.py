"""One reading of the lake for all queries of a report.

On DuckDB the clicks, the openings and the messages of both periods are computed once, into tables, and every query of
the report takes them from there: the same text, but for the includes `taps`, `openings` and `cohort`. Trino and Athena
have no temporary table, so there each query runs as it stands.
"""

from __future__ import annotations

from bluetick_sql.duck import DuckEngine, translate
from bluetick_sql.statements import include

from .periods import Period
from .queries import Queries

# What the queries of the report use of a message. DuckDB then computes no other attribute.
_COLUMNS = (
    *("message_id", "sent_at", "sent_date", "sent_weekday", "sent_hour", "delivered_at", "read_at", "first_click_at"),
    *("replied_at", "clicks", "error_code", "error_title", "error_message", "provider", "account_id"),
    *("phone_number_id", "recipient", "template_name", "campaign_id", "campaign_name", "ticket_id", "buttons"),
    *("is_delivered", "is_read", "is_clicked", "is_replied", "is_failed", "is_deleted", "is_clickable"),
)

# The days that any query of the report reads: 33 before the period for receipts and clicks of earlier messages, and
# those of `cohort_window` after it.
_REACH = """report_window AS (
  SELECT
    first_day.day AS from_date,
    last_day.day AS to_date,
    33 AS days_before,
    1 + (greatest(168, ${attribution_hours}) + 23) / 24 AS days_after
  FROM ${database}.calendar AS first_day
  CROSS JOIN ${database}.calendar AS last_day
  WHERE first_day.day = date(?) AND last_day.day = date(?)
)"""

# Openings come from origins alone, so the other facts are left out before they are sorted.
_OPENINGS = f"""WITH {_REACH},
${{include:taps}},
all_facts AS (
  WITH ${{include:message_facts}}
  SELECT message_id, event_ts, is_origin FROM message_facts WHERE is_origin
),
message_facts AS (SELECT * FROM all_facts),
${{include:openings}}
SELECT DISTINCT message_id, opening FROM openings_marked WHERE opening IS NOT NULL"""

# As `sql/common/placed_facts.sql`, with the openings at hand: they are more than 744 hours apart, so a fact is in reach
# of one at most.
_PLACED_FACTS = """placed_facts AS (
  SELECT
    f.*, o.opening AS opened_at,
    lpad(CAST(date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00', f.event_ts) AS varchar), 13, '0') AS moment
  FROM message_facts AS f
  INNER JOIN ${database}.report_openings AS o ON o.message_id = f.message_id
  CROSS JOIN report_window AS w
  WHERE date(at_timezone(with_timezone(o.opening, 'UTC'), w.timezone)) BETWEEN w.from_date AND w.to_date
    AND date_diff('millisecond', o.opening, f.event_ts) BETWEEN -86400000
      AND CASE WHEN f.fact IN ('click', 'reply') THEN w.click_hours ELSE w.status_hours END * BIGINT '3600000'
)"""

_TAPS_TABLE = "taps AS (SELECT * FROM ${database}.report_taps)"
_OPENINGS_TABLE = "openings_marked AS (SELECT * FROM ${database}.report_openings)"
_COHORT_TABLE = f"""${{include:cohort_window}},
{_TAPS_TABLE},
sent_messages AS (
  SELECT m.*
  FROM ${{database}}.report_messages AS m
  CROSS JOIN report_window AS w
  WHERE m.sent_date BETWEEN w.from_date AND w.to_date
    AND ? IN ('', coalesce(m.account_id, '')) AND ? IN ('', coalesce(m.phone_number_id, ''))
)"""


class DuckQueries(Queries):
    """The queries of a report on DuckDB, over tables that hold the period and the one before."""

    def __init__(self, engine: DuckEngine, period: Period) -> None:
        super().__init__(engine)
        self._shared: dict[str, str] = {}
        both = [period.previous().first.isoformat(), period.last.isoformat()]
        self._create("report_taps", f"WITH {_REACH}, ${{include:taps}} SELECT * FROM taps", both)
        self._shared["taps"] = _TAPS_TABLE
        self._create("report_openings", _OPENINGS, both)
        self._shared["placed_facts"] = _PLACED_FACTS
        messages = f"WITH ${{include:cohort}} SELECT {', '.join(_COLUMNS)} FROM sent_messages"
        self._create("report_messages", messages, [*both, "", ""])
        self._shared |= {"openings": _OPENINGS_TABLE, "cohort": _COHORT_TABLE}

    def _create(self, name: str, text: str, values: list[str]) -> None:
        settings = self.engine.settings
        select = translate(settings.fill(include(text, self.read)))
        self.engine.connection.execute(f"CREATE OR REPLACE TABLE {settings.database}.{name} AS {select}", values)

    def read(self, name: str) -> str:
        """The text of an include, or of the table that holds what it would compute."""
        return self._shared.get(name) or super().read(name)
