-- Question: After which button is which button clicked?
-- Parameters: from, to; ${database}
-- Definitions (docs/metrics.md, part 6): attributed clicks on the messages sent from … to in local days, numbered within their message
-- by time. previous_button is null for the first click, and for one that follows a click without a button.
WITH numbered AS (
  SELECT
    button,
    row_number() OVER (PARTITION BY message_id ORDER BY clicked_at, click_id) AS position,
    lag(button) OVER (PARTITION BY message_id ORDER BY clicked_at, click_id) AS previous_button
  FROM ${database}.clicks_by_window
  WHERE from_date = ? AND to_date = ?
)
SELECT position, previous_button, button, count(*) AS clicks
FROM numbered
GROUP BY position, previous_button, button
ORDER BY position, clicks DESC, previous_button NULLS LAST, button NULLS LAST
