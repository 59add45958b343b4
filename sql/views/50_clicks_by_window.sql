-- The attributed clicks on the messages sent in the window, one row each: clicks for CTR whose message is known and was sent at most
-- ${attribution_hours} h before. Always ask with `WHERE from_date = '…' AND to_date = '…'`. Definitions: docs/metrics.md, part 3.
-- Columns that begin with message_ are those of the clicked message.
-- Parameters: ${database}, ${attribution_hours}.
CREATE OR REPLACE VIEW ${database}.clicks_by_window AS
SELECT
  m.from_date, m.to_date, m.message_id, m.sent_at, m.sent_date, m.recipient, m.is_clickable, m.buttons, m.ticket_id,
  m.template_name, m.campaign_id, m.provider AS message_provider,
  c.click_id, c.event_ts AS clicked_at, c.kind, c.provider, c.source, c.button_id, c.button_text, c.description, c.url, c.flow_name,
  coalesce(c.button_id, c.button_text, c.url, c.flow_name) AS button
FROM ${database}.lifecycle_by_window AS m
INNER JOIN ${database}.clicks AS c
  ON c.message_id = m.message_id
  AND c.event_ts <= m.sent_at + INTERVAL '${attribution_hours}' HOUR
  AND c.kind IN ('button_reply', 'list_reply', 'flow_reply', 'quick_reply', 'link_click')
  AND c.dt BETWEEN CAST(date_add('day', -8, date(m.from_date)) AS varchar)
    AND CAST(date_add('day', 1 + (greatest(168, ${attribution_hours}) + 23) / 24, date(m.to_date)) AS varchar)
