-- report_window: the local days on which events happened, for reports that ask which of them belong to a message (two `?`: from, to).
-- days_before: the 31 days in which the message of an event may have been sent, a day for the time zone and a day for clocks that differ.
-- days_after: a day for the time zone and a day for clocks that differ.
report_window AS (
  SELECT
    first_day.day AS from_date,
    last_day.day AS to_date,
    33 AS days_before,
    2 AS days_after
  FROM ${database}.calendar AS first_day
  CROSS JOIN ${database}.calendar AS last_day
  WHERE first_day.day = date(?) AND last_day.day = date(?)
)
