-- Question: How many interactions did Meta not pass on?
-- Parameters: from, to; ${database}, ${timezone}
-- Definitions: docs/metrics.md, part 6.
-- The query covers rows of the table `messages` whose event happened on the local days `from` to `to` and that report a click on a button, a
-- list or another interactive element as unsupported: Meta did not pass on what was clicked.
WITH ${include:event_window},
placed AS (
  SELECT
    w.from_date, w.to_date, m.message_id, m.unsupported_type, m.provider,
    coalesce(m.wa_id, m.user_id) AS person,
    date(at_timezone(with_timezone(m.event_ts, 'UTC'), '${timezone}')) AS event_date
  FROM ${database}.messages AS m
  CROSS JOIN report_window AS w
  WHERE m.dt BETWEEN CAST(date_add('day', -w.days_before, date(w.from_date)) AS varchar)
    AND CAST(date_add('day', w.days_after, date(w.to_date)) AS varchar)
    AND m.unsupported_type IN ('button', 'interactive', 'list')
)
SELECT
  unsupported_type, provider,
  count(DISTINCT message_id) AS messages,
  count(DISTINCT person) AS persons
FROM placed
WHERE event_date BETWEEN from_date AND to_date
GROUP BY unsupported_type, provider
ORDER BY unsupported_type, provider
