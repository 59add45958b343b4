-- Question: What kinds of interaction are there, and how many?
-- Parameters: from, to; ${database}
-- Definitions (docs/metrics.md, part 6): all rows of clicks that happened from … to in local days, whatever their kind.
SELECT
  kind,
  count(DISTINCT click_id) AS clicks,
  count(DISTINCT click_id) FILTER (WHERE message_id IS NOT NULL) AS with_message,
  count(DISTINCT person) AS persons
FROM ${database}.local_clicks
WHERE from_date = ? AND to_date = ?
GROUP BY kind
ORDER BY clicks DESC, kind
