-- report_window: the local days on which the events of a report happened (two `?`: from, to). One UTC day more on each side is read.
report_window AS (
  SELECT
    first_day.day AS from_date,
    last_day.day AS to_date,
    1 AS days_before,
    1 AS days_after
  FROM ${database}.calendar AS first_day
  CROSS JOIN ${database}.calendar AS last_day
  WHERE first_day.day = date(?) AND last_day.day = date(?)
)
