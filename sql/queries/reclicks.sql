-- Question: How often is one message clicked more than once?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, part 6.
-- The query covers clicked messages sent on the local days `from` to `to`, by the number of attributed clicks on them. same_button: messages on
-- which the same button was clicked at least twice.
WITH ${include:cohort},
${include:attributed_clicks},
buttons AS (
  SELECT message_id, recipient, button, count(*) AS clicks
  FROM attributed_clicks
  GROUP BY message_id, recipient, button
),
messages AS (
  SELECT
    message_id, recipient,
    CAST(sum(clicks) AS bigint) AS clicks,
    max(CASE WHEN button IS NOT NULL THEN clicks END) AS most
  FROM buttons
  GROUP BY message_id, recipient
)
SELECT
  clicks,
  count(*) AS messages,
  count(DISTINCT recipient) AS persons,
  count(*) FILTER (WHERE most >= 2) AS same_button
FROM messages
GROUP BY clicks
ORDER BY clicks
