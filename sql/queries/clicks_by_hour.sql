-- Question: At which hour of which weekday do people click?
-- Parameters: from, to; ${database}
-- Definitions (docs/metrics.md, part 6): clicks for CTR that happened from … to in local days, attributed to a message or not.
-- weekday: 1 Monday … 7 Sunday, hour: 0 … 23, both in local time.
SELECT
  weekday, hour,
  count(DISTINCT click_id) AS clicks,
  count(DISTINCT person) AS persons
FROM ${database}.local_clicks
WHERE from_date = ? AND to_date = ? AND is_click
GROUP BY weekday, hour
ORDER BY weekday, hour
