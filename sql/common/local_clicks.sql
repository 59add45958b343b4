-- local_clicks: one row per click, whatever its kind, that happened in report_window, with its local time. Needs report_window and taps.
-- Two `?`: account_id, phone_number_id; an empty text asks for all.
clicks_with_time AS (
  SELECT *, at_timezone(with_timezone(event_ts, 'UTC'), '${timezone}') AS clicked_local
  FROM taps
),
local_clicks AS (
  SELECT
    c.*,
    date(c.clicked_local) AS click_date,
    CAST(day_of_week(c.clicked_local) AS bigint) AS weekday,
    CAST(hour(c.clicked_local) AS bigint) AS hour
  FROM clicks_with_time AS c
  CROSS JOIN report_window AS w
  WHERE date(c.clicked_local) BETWEEN w.from_date AND w.to_date
    AND ? IN ('', coalesce(c.account_id, ''))
    AND ? IN ('', coalesce(c.phone_number_id, ''))
)
