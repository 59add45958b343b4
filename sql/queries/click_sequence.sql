-- Question: After which button is which button clicked?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, part 6.
-- The query covers attributed clicks on the messages sent on the local days `from` to `to`, numbered within their message by time.
-- previous_button is null for the first click, and for a click that follows a click without a button.
WITH ${include:cohort},
${include:attributed_clicks},
numbered AS (
  SELECT
    button,
    row_number() OVER (PARTITION BY message_id ORDER BY clicked_at, click_id) AS position,
    lag(button) OVER (PARTITION BY message_id ORDER BY clicked_at, click_id) AS previous_button
  FROM attributed_clicks
)
SELECT position, previous_button, button, count(*) AS clicks
FROM numbered
GROUP BY position, previous_button, button
ORDER BY position, clicks DESC, previous_button NULLS LAST, button NULLS LAST
