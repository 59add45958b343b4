-- Question: How fresh is the data, and how much of it came late?
-- Parameters: from, to; ${database}, ${timezone}
-- Definitions: docs/metrics.md, part 6.
-- The query covers rows whose event happened on the local days `from` to `to`, by table and provider. late_rows were received more than 24 h
-- after they happened. lag_p50, lag_p90: percentiles (nearest rank) of the seconds from event to receipt.
WITH ${include:event_window},
told AS (
  SELECT 'account_events' AS table_name, t.provider, t.event_ts, t.received_at
  FROM ${database}.account_events AS t
  CROSS JOIN report_window AS a
  WHERE t.dt BETWEEN CAST(date_add('day', -a.days_before, date(a.from_date)) AS varchar)
    AND CAST(date_add('day', a.days_after, date(a.to_date)) AS varchar)
    AND date(at_timezone(with_timezone(t.event_ts, 'UTC'), '${timezone}')) BETWEEN a.from_date AND a.to_date
  UNION ALL
  SELECT 'clicks' AS table_name, t.provider, t.event_ts, t.received_at
  FROM ${database}.clicks AS t
  CROSS JOIN report_window AS a
  WHERE t.dt BETWEEN CAST(date_add('day', -a.days_before, date(a.from_date)) AS varchar)
    AND CAST(date_add('day', a.days_after, date(a.to_date)) AS varchar)
    AND date(at_timezone(with_timezone(t.event_ts, 'UTC'), '${timezone}')) BETWEEN a.from_date AND a.to_date
  UNION ALL
  SELECT 'messages' AS table_name, t.provider, t.event_ts, t.received_at
  FROM ${database}.messages AS t
  CROSS JOIN report_window AS a
  WHERE t.dt BETWEEN CAST(date_add('day', -a.days_before, date(a.from_date)) AS varchar)
    AND CAST(date_add('day', a.days_after, date(a.to_date)) AS varchar)
    AND date(at_timezone(with_timezone(t.event_ts, 'UTC'), '${timezone}')) BETWEEN a.from_date AND a.to_date
  UNION ALL
  SELECT 'sends' AS table_name, t.provider, t.event_ts, t.received_at
  FROM ${database}.sends AS t
  CROSS JOIN report_window AS a
  WHERE t.dt BETWEEN CAST(date_add('day', -a.days_before, date(a.from_date)) AS varchar)
    AND CAST(date_add('day', a.days_after, date(a.to_date)) AS varchar)
    AND date(at_timezone(with_timezone(t.event_ts, 'UTC'), '${timezone}')) BETWEEN a.from_date AND a.to_date
  UNION ALL
  SELECT 'statuses' AS table_name, t.provider, t.event_ts, t.received_at
  FROM ${database}.statuses AS t
  CROSS JOIN report_window AS a
  WHERE t.dt BETWEEN CAST(date_add('day', -a.days_before, date(a.from_date)) AS varchar)
    AND CAST(date_add('day', a.days_after, date(a.to_date)) AS varchar)
    AND date(at_timezone(with_timezone(t.event_ts, 'UTC'), '${timezone}')) BETWEEN a.from_date AND a.to_date
),
lags AS (
  SELECT table_name, provider, event_ts, received_at, date_diff('millisecond', event_ts, received_at) AS lag
  FROM told
)
SELECT
  table_name, provider,
  count(*) AS row_count,
  max(event_ts) AS last_event_at,
  max(received_at) AS last_received_at,
  count(*) FILTER (WHERE lag > 86400000) AS late_rows,
  CAST(count(*) FILTER (WHERE lag > 86400000) AS double) / count(*) AS late_share,
  element_at(array_sort(array_agg(lag)), CAST((count(*) + 1) / 2 AS integer)) / 1e3 AS lag_p50,
  element_at(array_sort(array_agg(lag)), CAST((9 * count(*) + 9) / 10 AS integer)) / 1e3 AS lag_p90
FROM lags
GROUP BY table_name, provider
ORDER BY table_name, provider
