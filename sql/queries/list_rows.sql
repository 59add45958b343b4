-- Question: Which rows of the list messages do people choose?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, part 6.
-- The query covers attributed clicks of kind list_reply on the messages sent on the local days `from` to `to`. share = clicks on the row / clicks
-- on all rows.
WITH ${include:cohort},
${include:attributed_clicks}
SELECT
  button_id AS row_id,
  min(button_text) AS row_title,
  min(description) AS row_description,
  count(DISTINCT message_id) AS clicked,
  count(*) AS clicks,
  count(DISTINCT recipient) AS clickers,
  CAST(count(*) AS double) / sum(count(*)) OVER () AS share
FROM attributed_clicks
WHERE kind = 'list_reply'
GROUP BY button_id
ORDER BY clicks DESC, row_id NULLS LAST
