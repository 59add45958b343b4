-- attributed_clicks: one row per click for CTR on a message of sent_messages, up to the attribution window (metrics.md, part 3).
-- Columns that begin with message_ are those of the clicked message.
attributed_clicks AS (
  SELECT
    m.message_id, m.sent_at, m.sent_date, m.recipient, m.is_clickable, m.buttons, m.ticket_id, m.template_name, m.campaign_id,
    m.provider AS message_provider,
    t.click_id, t.event_ts AS clicked_at, t.person, t.kind, t.provider, t.source,
    t.button_id, t.button_text, t.description, t.url, t.flow_name,
    -- If a message has one button, every click is on this button, whatever the provider calls it. If `buttons` lists labels, the button is the label.
    CASE
      WHEN cardinality(m.buttons) = 1 THEN element_at(m.buttons, 1)
      WHEN NOT contains(m.buttons, t.button) AND contains(m.buttons, t.button_text) THEN t.button_text
      ELSE t.button
    END AS button
  FROM sent_messages AS m
  INNER JOIN taps AS t ON t.message_id = m.message_id AND t.is_click
  CROSS JOIN report_window AS w
  WHERE date_diff('millisecond', m.sent_at, t.event_ts) BETWEEN -86400000 AND w.click_hours * BIGINT '3600000'
)
