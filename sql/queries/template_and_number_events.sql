-- Question: How did the state of templates and the quality of numbers change?
-- Parameters: from, to; ${database}, ${timezone}
-- Definitions: docs/metrics.md, part 6.
-- The query covers account events about templates, numbers and the account that happened on the local days `from` to `to`. The column payload
-- holds the content of the event.
WITH ${include:event_window},
placed AS (
  SELECT
    e.event_id, e.event_ts, e.provider, e.account_id, e.phone_number_id, e.type, e.payload,
    date(at_timezone(with_timezone(e.event_ts, 'UTC'), '${timezone}')) AS event_date,
    w.from_date, w.to_date
  FROM ${database}.account_events AS e
  CROSS JOIN report_window AS w
  WHERE e.dt BETWEEN CAST(date_add('day', -w.days_before, date(w.from_date)) AS varchar)
    AND CAST(date_add('day', w.days_after, date(w.to_date)) AS varchar)
    AND e.type IN (
      'message_template_status_update', 'message_template_quality_update', 'template_category_update', 'phone_number_quality_update',
      'phone_number_name_update', 'account_update', 'account_alerts', 'business_capability_update', 'template_performance_metrics'
    )
)
SELECT event_ts AS happened_at, provider, account_id, phone_number_id, type, payload
FROM placed
WHERE event_date BETWEEN from_date AND to_date
ORDER BY event_ts, event_id
