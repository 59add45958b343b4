-- Question: How long after a message was sent is it first clicked?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, part 6.
-- The query covers clickable messages sent on the local days `from` to `to`. clicked: messages that were first clicked at most `hours` hours
-- after they were sent; share = clicked / delivered*. Clicks later than attribution_hours after the message do not count.
WITH ${include:cohort},
curve AS (
  SELECT h.hours, m.is_delivered, m.first_click_at <= m.sent_at + h.hours * INTERVAL '1' HOUR AS is_clicked
  FROM sent_messages AS m
  CROSS JOIN (VALUES 1, 6, 24, 72, 168) AS h (hours)
  WHERE m.is_clickable
)
SELECT
  CAST(hours AS bigint) AS hours,
  count(*) FILTER (WHERE is_delivered) AS delivered,
  count(*) FILTER (WHERE is_clicked) AS clicked,
  CAST(count(*) FILTER (WHERE is_clicked) AS double) / nullif(count(*) FILTER (WHERE is_delivered), 0) AS share
FROM curve
GROUP BY hours
ORDER BY hours
