-- report_window: the local days that a report asks for (two `?`: from, to), and how far around them its tables are read.
-- days_before: a day for the time zone, and a day for facts that are earlier than the sent_at of their message. days_after: a day for the time
-- zone, and the longer of the two horizons.
report_window AS (
  SELECT
    first_day.day AS from_date,
    last_day.day AS to_date,
    2 AS days_before,
    1 + (greatest(168, ${attribution_hours}) + 23) / 24 AS days_after,
    168 AS status_hours,
    ${attribution_hours} AS click_hours,
    '${timezone}' AS timezone
  FROM ${database}.calendar AS first_day
  CROSS JOIN ${database}.calendar AS last_day
  WHERE first_day.day = date(?) AND last_day.day = date(?)
)
