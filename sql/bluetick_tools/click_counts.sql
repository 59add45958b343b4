-- Question: How many clicks of each day fall on each button and hour?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions (docs/metrics.md, part 6): clicks for CTR that happened on the local days `from` to `to`, attributed to a message or not.
-- weekday: 1 Monday to 7 Sunday; hour: 0 to 23, both in local time.
WITH ${include:events}
SELECT
  click_date,
  weekday,
  hour,
  kind,
  button_id,
  button_text,
  account_id,
  phone_number_id,
  provider,
  count(*) AS clicks
FROM local_clicks
WHERE is_click
GROUP BY click_date, weekday, hour, kind, button_id, button_text, account_id, phone_number_id, provider
