-- report_window: UTC days and seven days for every receipt and click, as Meta's own dashboard counts (two `?`: from, to).
report_window AS (
  SELECT
    first_day.day AS from_date,
    last_day.day AS to_date,
    2 AS days_before,
    8 AS days_after,
    168 AS status_hours,
    168 AS click_hours,
    'UTC' AS timezone
  FROM ${database}.calendar AS first_day
  CROSS JOIN ${database}.calendar AS last_day
  WHERE first_day.day = date(?) AND last_day.day = date(?)
)
