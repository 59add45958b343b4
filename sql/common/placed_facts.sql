-- placed_facts: the facts of the messages sent in report_window, each with the message's day and within its horizon.
-- Openings of one id are more than 744 h apart, and a fact counts from 24 h before to at most 720 h after an opening. So a fact belongs to at
-- most one opening, and the figures of days add up to those of weeks and months.
${include:openings},
facts_between_openings AS (
  SELECT
    *,
    max(opening) OVER (PARTITION BY message_id ORDER BY event_ts) AS last_opening,
    min(opening) OVER (PARTITION BY message_id ORDER BY event_ts ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS next_opening
  FROM openings_marked
),
facts_of_openings AS (
  SELECT
    *,
    CASE WHEN last_opening IS NULL OR next_opening <= event_ts + INTERVAL '24' HOUR THEN next_opening ELSE last_opening END AS opened_at
  FROM facts_between_openings
),
placed_facts AS (
  SELECT f.*, lpad(CAST(date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00', f.event_ts) AS varchar), 13, '0') AS moment
  FROM facts_of_openings AS f
  CROSS JOIN report_window AS w
  WHERE date(at_timezone(with_timezone(f.opened_at, 'UTC'), w.timezone)) BETWEEN w.from_date AND w.to_date
    AND date_diff('millisecond', f.opened_at, f.event_ts) BETWEEN -86400000
      AND CASE WHEN f.fact IN ('click', 'reply') THEN w.click_hours ELSE w.status_hours END * BIGINT '3600000'
)
