-- Question: Which buttons are clicked, and by how many people?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, part 6.
-- The query covers clicks for CTR that happened on the local days `from` to `to`, whether or not they are attributed to a message, by id and
-- label of the button. The query reads only the table `clicks`: it needs no sends and no statuses. For a rate, see ctr_by_button.
WITH ${include:events}
SELECT
  button_id, button_text,
  count(*) AS total_clicks,
  count(DISTINCT person) AS unique_users,
  count(DISTINCT message_id) AS messages,
  min(event_ts) AS first_click_at,
  max(event_ts) AS last_click_at
FROM local_clicks
WHERE is_click
GROUP BY button_id, button_text
ORDER BY total_clicks DESC, button_id NULLS LAST, button_text NULLS LAST
