-- Question: How many clicks are there a day, by how many people?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, part 6.
-- The query covers clicks for CTR that happened on the local days `from` to `to`, whether or not they are attributed to a message. The query
-- reads only the table `clicks`.
WITH ${include:events}
SELECT
  click_date,
  count(*) AS clicks,
  count(DISTINCT person) AS persons,
  count(DISTINCT message_id) AS messages
FROM local_clicks
WHERE is_click
GROUP BY click_date
ORDER BY click_date
