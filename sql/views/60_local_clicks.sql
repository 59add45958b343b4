-- Every row of clicks that happened on a local day of the window, attributed to a message or not, with its local time.
-- Always ask with `WHERE from_date = '…' AND to_date = '…'`.
-- is_click: its kind counts for CTR. person: who clicked. button: what was clicked. weekday: 1 Monday … 7 Sunday.
-- Parameters: ${database}, ${timezone}.
CREATE OR REPLACE VIEW ${database}.local_clicks AS
WITH placed AS (
  SELECT
    w.from_date, w.to_date, c.click_id, c.message_id, c.event_ts, c.provider, c.kind, c.button_id, c.button_text, c.description, c.url,
    c.flow_name, c.tracking_token, c.wa_id, c.user_id,
    at_timezone(with_timezone(c.event_ts, 'UTC'), '${timezone}') AS clicked_local
  FROM ${database}.clicks AS c
  CROSS JOIN ${database}.report_window AS w
  WHERE c.dt BETWEEN CAST(date_add('day', -1, date(w.from_date)) AS varchar)
    AND CAST(date_add('day', 1, date(w.to_date)) AS varchar)
)
SELECT
  from_date, to_date, click_id, message_id, event_ts, provider, kind, description, url, tracking_token,
  date(clicked_local) AS click_date,
  CAST(day_of_week(clicked_local) AS bigint) AS weekday,
  CAST(hour(clicked_local) AS bigint) AS hour,
  kind IN ('button_reply', 'list_reply', 'flow_reply', 'quick_reply', 'link_click') AS is_click,
  coalesce(user_id, wa_id) AS person,
  coalesce(button_id, button_text, url, flow_name) AS button
FROM placed
WHERE date(clicked_local) BETWEEN date(from_date) AND date(to_date)
