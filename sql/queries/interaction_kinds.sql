-- Question: What kinds of interaction are there, and how many?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, part 6.
-- The query covers all clicks that happened on the local days `from` to `to`, whatever their kind.
WITH ${include:events}
SELECT
  kind,
  count(*) AS clicks,
  count(*) FILTER (WHERE message_id IS NOT NULL) AS with_message,
  count(DISTINCT person) AS persons
FROM local_clicks
GROUP BY kind
ORDER BY clicks DESC, kind
