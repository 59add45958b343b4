-- Question: Which clicks can be counted for no message?
-- Parameters: from, to, from, to; ${database}, ${attribution_hours}
-- Definitions (docs/metrics.md, part 6): clicks for CTR that happened from … to in local days and are attributed to no message.
-- no_message_id: the provider does not say which message. no_message_in_window: the message is unknown, or was sent more than
-- ${attribution_hours} h before.
WITH known AS (
  SELECT f.message_id, min(f.event_ts) AS sent_at
  FROM ${database}.message_facts AS f
  CROSS JOIN ${database}.report_window AS a
  WHERE a.from_date = ? AND a.to_date = ? AND f.fact IN ('send', 'status')
    AND f.dt BETWEEN CAST(date_add('day', -8 - (${attribution_hours} + 23) / 24, date(a.from_date)) AS varchar)
      AND CAST(date_add('day', 8, date(a.to_date)) AS varchar)
  GROUP BY f.message_id
),
clicks AS (
  SELECT click_id, message_id, event_ts, provider, kind, person
  FROM ${database}.local_clicks
  WHERE from_date = ? AND to_date = ? AND is_click
)
SELECT
  CASE WHEN c.message_id IS NULL THEN 'no_message_id' ELSE 'no_message_in_window' END AS reason,
  c.provider, c.kind,
  count(DISTINCT c.click_id) AS clicks,
  count(DISTINCT c.person) AS persons
FROM clicks AS c
LEFT JOIN known AS m ON m.message_id = c.message_id
WHERE m.sent_at IS NULL OR c.event_ts > m.sent_at + INTERVAL '${attribution_hours}' HOUR
GROUP BY 1, 2, 3
ORDER BY reason, provider, kind
