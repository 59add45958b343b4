-- Question: For each button: in what share of the messages that show the button is it clicked?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, part 6.
-- The query covers clickable messages sent on the local days `from` to `to`, by template and button. A message shows a button of its template if
-- the message's buttons are unknown, if they contain the button, or if the button was clicked on the message. ctr = messages on which the button
-- was clicked / delivered* messages that show the button. Buttons are reply buttons, template quick replies, links, rows of lists and flows.
WITH ${include:cohort},
${include:attributed_clicks},
cohort AS (
  SELECT m.template_name, m.buttons, m.is_delivered, m.is_read
  FROM sent_messages AS m
  WHERE m.is_clickable
),
pressed AS (
  SELECT
    c.template_name, c.button, c.message_id, c.recipient, c.buttons,
    min(c.button_text) AS button_text,
    count(*) AS clicks
  FROM attributed_clicks AS c
  WHERE c.is_clickable AND c.button IS NOT NULL
  GROUP BY c.template_name, c.button, c.message_id, c.recipient, c.buttons
),
counted AS (
  -- Messages whose list names the button.
  SELECT
    m.template_name, b.button, count(*) FILTER (WHERE m.is_delivered) AS delivered, count(*) FILTER (WHERE m.is_read) AS read,
    0 AS clicked, 0 AS clicks, 0 AS clickers, CAST(NULL AS varchar) AS button_text
  FROM cohort AS m
  CROSS JOIN UNNEST(array_distinct(m.buttons)) AS b (button)
  WHERE b.button IS NOT NULL
  GROUP BY m.template_name, b.button
  UNION ALL
  -- Messages on which it was clicked; they show it even if their list does not say so.
  SELECT
    template_name, button,
    count(*) FILTER (WHERE NOT contains(buttons, button)), count(*) FILTER (WHERE NOT contains(buttons, button)),
    count(*), sum(clicks), count(DISTINCT recipient), min(button_text)
  FROM pressed
  GROUP BY template_name, button
  UNION ALL
  -- Messages of the template whose buttons are unknown show any: they stand under a null button.
  SELECT template_name, NULL, count(*) FILTER (WHERE is_delivered), count(*) FILTER (WHERE is_read), 0, 0, 0, NULL
  FROM cohort
  WHERE buttons IS NULL
  GROUP BY template_name
),
buttons AS (
  SELECT
    template_name, button,
    min(button_text) AS button_text,
    CAST(sum(delivered) AS bigint) AS delivered,
    CAST(sum(read) AS bigint) AS read,
    CAST(sum(clicked) AS bigint) AS clicked,
    CAST(sum(clicks) AS bigint) AS clicks,
    CAST(sum(clickers) AS bigint) AS clickers
  FROM counted
  GROUP BY template_name, button
),
shown AS (
  SELECT
    template_name, button, button_text, clicked, clicks, clickers,
    delivered + coalesce(max(CASE WHEN button IS NULL THEN delivered END) OVER (PARTITION BY template_name), 0) AS delivered,
    read + coalesce(max(CASE WHEN button IS NULL THEN read END) OVER (PARTITION BY template_name), 0) AS read
  FROM buttons
)
SELECT
  template_name, button, button_text, delivered, read, clicked, clicks, clickers,
  CAST(clicked AS double) / nullif(delivered, 0) AS ctr,
  CAST(clicked AS double) / nullif(read, 0) AS click_to_read
FROM shown
WHERE button IS NOT NULL
ORDER BY clicked DESC, template_name NULLS LAST, button
