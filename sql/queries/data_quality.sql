-- Question: How many rows does each table contain, and are there duplicates?
-- Parameters: from, to; ${database}, ${timezone}
-- Definitions: docs/metrics.md, part 6.
-- The query covers rows whose event happened on the local days `from` to `to`. A row is one statement: what one source said about one event.
-- repeats = rows − distinct keys of the table within each partition; the lake guarantees that repeats is 0.
WITH ${include:event_window},
keys AS (
  SELECT 'account_events' AS table_name, count(*) AS copies
  FROM ${database}.account_events AS t
  CROSS JOIN report_window AS a
  WHERE t.dt BETWEEN CAST(date_add('day', -a.days_before, date(a.from_date)) AS varchar)
    AND CAST(date_add('day', a.days_after, date(a.to_date)) AS varchar)
    AND date(at_timezone(with_timezone(t.event_ts, 'UTC'), '${timezone}')) BETWEEN a.from_date AND a.to_date
  GROUP BY t.dt, t.event_id, t.statement_hash
  UNION ALL
  SELECT 'clicks' AS table_name, count(*) AS copies
  FROM ${database}.clicks AS t
  CROSS JOIN report_window AS a
  WHERE t.dt BETWEEN CAST(date_add('day', -a.days_before, date(a.from_date)) AS varchar)
    AND CAST(date_add('day', a.days_after, date(a.to_date)) AS varchar)
    AND date(at_timezone(with_timezone(t.event_ts, 'UTC'), '${timezone}')) BETWEEN a.from_date AND a.to_date
  GROUP BY t.dt, t.click_id, t.event_ts, t.statement_hash
  UNION ALL
  SELECT 'messages' AS table_name, count(*) AS copies
  FROM ${database}.messages AS t
  CROSS JOIN report_window AS a
  WHERE t.dt BETWEEN CAST(date_add('day', -a.days_before, date(a.from_date)) AS varchar)
    AND CAST(date_add('day', a.days_after, date(a.to_date)) AS varchar)
    AND date(at_timezone(with_timezone(t.event_ts, 'UTC'), '${timezone}')) BETWEEN a.from_date AND a.to_date
  GROUP BY t.dt, t.message_id, t.event_ts, t.statement_hash
  UNION ALL
  SELECT 'sends' AS table_name, count(*) AS copies
  FROM ${database}.sends AS t
  CROSS JOIN report_window AS a
  WHERE t.dt BETWEEN CAST(date_add('day', -a.days_before, date(a.from_date)) AS varchar)
    AND CAST(date_add('day', a.days_after, date(a.to_date)) AS varchar)
    AND date(at_timezone(with_timezone(t.event_ts, 'UTC'), '${timezone}')) BETWEEN a.from_date AND a.to_date
  GROUP BY t.dt, t.message_id, t.statement_hash
  UNION ALL
  SELECT 'statuses' AS table_name, count(*) AS copies
  FROM ${database}.statuses AS t
  CROSS JOIN report_window AS a
  WHERE t.dt BETWEEN CAST(date_add('day', -a.days_before, date(a.from_date)) AS varchar)
    AND CAST(date_add('day', a.days_after, date(a.to_date)) AS varchar)
    AND date(at_timezone(with_timezone(t.event_ts, 'UTC'), '${timezone}')) BETWEEN a.from_date AND a.to_date
  GROUP BY t.dt, t.message_id, t.status, t.event_ts, t.participant, t.statement_hash
)
SELECT
  n.table_name,
  coalesce(CAST(sum(k.copies) AS bigint), 0) AS row_count,
  coalesce(CAST(sum(k.copies) - count(k.copies) AS bigint), 0) AS repeats
FROM (VALUES ('account_events'), ('clicks'), ('messages'), ('sends'), ('statuses')) AS n (table_name)
LEFT JOIN keys AS k ON k.table_name = n.table_name
GROUP BY n.table_name
ORDER BY n.table_name
