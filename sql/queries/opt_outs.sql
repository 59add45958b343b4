-- Question: How many people stop or resume marketing messages, and on which day?
-- Parameters: from, to; ${database}, ${timezone}
-- Definitions: docs/metrics.md, part 6.
-- The query covers rows of the table `account_events` whose preference is stop or resume, by category and by the local day of the event. stops
-- and resumes count events, persons_stopped counts persons.
WITH ${include:event_window},
placed AS (
  SELECT
    w.from_date, w.to_date, e.event_id, e.category, e.preference,
    coalesce(e.wa_id, e.user_id) AS person,
    date(at_timezone(with_timezone(e.event_ts, 'UTC'), '${timezone}')) AS event_date
  FROM ${database}.account_events AS e
  CROSS JOIN report_window AS w
  WHERE e.dt BETWEEN CAST(date_add('day', -w.days_before, date(w.from_date)) AS varchar)
    AND CAST(date_add('day', w.days_after, date(w.to_date)) AS varchar)
    AND e.preference IN ('stop', 'resume')
)
SELECT
  event_date, category,
  count(DISTINCT event_id) FILTER (WHERE preference = 'stop') AS stops,
  count(DISTINCT event_id) FILTER (WHERE preference = 'resume') AS resumes,
  count(DISTINCT person) FILTER (WHERE preference = 'stop') AS persons_stopped
FROM placed
WHERE event_date BETWEEN from_date AND to_date
GROUP BY event_date, category
ORDER BY event_date, category NULLS LAST
