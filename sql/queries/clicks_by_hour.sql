-- Question: At which hour of which weekday do people click?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, part 6.
-- The query covers clicks for CTR that happened on the local days `from` to `to`, whether or not they are attributed to a message. weekday: 1
-- Monday … 7 Sunday, hour: 0 … 23, both in local time.
WITH ${include:events}
SELECT
  weekday, hour,
  count(*) AS clicks,
  count(DISTINCT person) AS persons
FROM local_clicks
WHERE is_click
GROUP BY weekday, hour
ORDER BY weekday, hour
