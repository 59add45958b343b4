-- Question: Is the first button clicked more than the second and the third?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, part 6.
-- The query covers messages sent on the local days `from` to `to` whose buttons are known. position: the first place of the button in the
-- message's list, from 1. ctr = messages on which the button of that position was clicked / delivered* messages that have at least `position`
-- buttons.
WITH ${include:cohort},
${include:attributed_clicks},
cohort AS (
  SELECT buttons, is_delivered
  FROM sent_messages
  WHERE cardinality(buttons) > 0
),
shown AS (
  SELECT p.position, count(*) FILTER (WHERE m.is_delivered) AS delivered, 0 AS clicked, 0 AS clicks
  FROM cohort AS m
  CROSS JOIN UNNEST(sequence(1, cardinality(m.buttons))) AS p (position)
  GROUP BY p.position
),
clicked AS (
  SELECT array_position(c.buttons, c.button) AS position, count(DISTINCT c.message_id) AS clicked, count(*) AS clicks
  FROM attributed_clicks AS c
  WHERE contains(c.buttons, c.button)
  GROUP BY array_position(c.buttons, c.button)
),
positions AS (
  SELECT position, delivered, clicked, clicks FROM shown
  UNION ALL
  SELECT position, 0, clicked, clicks FROM clicked
)
SELECT
  CAST(position AS bigint) AS position,
  CAST(sum(delivered) AS bigint) AS delivered,
  CAST(sum(clicked) AS bigint) AS clicked,
  CAST(sum(clicks) AS bigint) AS clicks,
  CAST(sum(clicked) AS double) / nullif(sum(delivered), 0) AS ctr
FROM positions
GROUP BY position
ORDER BY position
