-- report_window: the local days in which a look-up finds messages (two `?`: from, to; an empty text asks for all). Statuses, clicks and
-- replies of any age count: 876,000 hours are a hundred years.
report_window AS (
  SELECT
    first_day.day AS from_date,
    last_day.day AS to_date,
    2 AS days_before,
    9999 AS days_after,
    876000 AS status_hours,
    876000 AS click_hours,
    '${timezone}' AS timezone
  FROM ${database}.calendar AS first_day
  CROSS JOIN ${database}.calendar AS last_day
  WHERE first_day.day = date(coalesce(nullif(?, ''), '${first_day}'))
    AND last_day.day = date(coalesce(nullif(?, ''), '2036-05-18'))
)
