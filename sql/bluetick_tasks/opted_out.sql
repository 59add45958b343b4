-- Question: Who has stopped marketing messages and not resumed them?
-- Parameters: from, to; ${database}, ${timezone}
-- Definitions: docs/metrics.md, part 6.
-- The query covers rows of account_events with preference stop or resume on the local days `from` to `to`. A person is listed with each category
-- that their last event stops. An earlier stop, before `from`, is not seen.
WITH ${include:event_window},
placed AS (
  SELECT
    w.from_date, w.to_date, e.event_id, e.event_ts, e.preference,
    coalesce(e.category, '') AS category,
    coalesce(e.wa_id, e.user_id) AS person,
    date(at_timezone(with_timezone(e.event_ts, 'UTC'), '${timezone}')) AS event_date
  FROM ${database}.account_events AS e
  CROSS JOIN report_window AS w
  WHERE e.dt BETWEEN CAST(date_add('day', -w.days_before, date(w.from_date)) AS varchar)
    AND CAST(date_add('day', w.days_after, date(w.to_date)) AS varchar)
    AND e.preference IN ('stop', 'resume')
),
-- Of two events at one time, the stop counts: 'stop' sorts after 'resume'.
latest AS (
  SELECT person, category, event_ts, preference,
    row_number() OVER (PARTITION BY person, category ORDER BY event_ts DESC, preference DESC, event_id) AS position
  FROM placed
  WHERE event_date BETWEEN from_date AND to_date AND person IS NOT NULL
)
SELECT person, category, event_ts AS opted_out_at
FROM latest
WHERE position = 1 AND preference = 'stop'
ORDER BY person, category
