-- Question: How many interactions did Meta not pass on?
-- Parameters: from, to; ${database}, ${timezone}
-- Definitions (docs/metrics.md, part 6): rows of messages that happened from … to in local days and that stand for a button, list or other
-- interactive element which Meta calls unsupported.
WITH placed AS (
  SELECT
    w.from_date, w.to_date, m.message_id, m.unsupported_type, m.provider,
    coalesce(m.user_id, m.wa_id) AS person,
    date(at_timezone(with_timezone(m.event_ts, 'UTC'), '${timezone}')) AS event_date
  FROM ${database}.messages AS m
  CROSS JOIN ${database}.report_window AS w
  WHERE w.from_date = ? AND w.to_date = ?
    AND m.dt BETWEEN CAST(date_add('day', -1, date(w.from_date)) AS varchar) AND CAST(date_add('day', 1, date(w.to_date)) AS varchar)
    AND m.unsupported_type IN ('button', 'interactive', 'list')
)
SELECT
  unsupported_type, provider,
  count(DISTINCT message_id) AS messages,
  count(DISTINCT person) AS persons
FROM placed
WHERE event_date BETWEEN date(from_date) AND date(to_date)
GROUP BY unsupported_type, provider
ORDER BY unsupported_type, provider
