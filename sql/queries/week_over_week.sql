-- Question: How do this week's figures compare with last week's?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, part 6.
-- The query covers messages sent on the local days `from` to `to`, by the ISO week's Monday. Each change is the figure of the week minus the
-- figure of the previous row, and null in the first row. The window may contain only a part of the first and of the last week.
WITH ${include:cohort},
weeks AS (
  SELECT
    date_add('day', -CAST(sent_weekday - 1 AS integer), date(sent_date)) AS week,
    count(*) AS sent,
    count(*) FILTER (WHERE is_delivered) AS delivered,
    count(*) FILTER (WHERE is_clicked) AS clicked,
    CAST(count(*) FILTER (WHERE is_delivered) AS double) / count(*) AS delivery_rate,
    CAST(count(*) FILTER (WHERE is_clicked) AS double) / nullif(count(*) FILTER (WHERE is_delivered), 0) AS click_rate
  FROM sent_messages
  GROUP BY 1
)
SELECT
  week, sent, delivered, clicked, delivery_rate, click_rate,
  sent - lag(sent) OVER (ORDER BY week) AS sent_change,
  delivery_rate - lag(delivery_rate) OVER (ORDER BY week) AS delivery_rate_change,
  click_rate - lag(click_rate) OVER (ORDER BY week) AS click_rate_change
FROM weeks
ORDER BY week
