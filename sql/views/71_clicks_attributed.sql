-- Every attributed click, with its message, over the whole lake. It reads every partition; reports over some days ask clicks_by_window.
-- Parameters: ${database}.
CREATE OR REPLACE VIEW ${database}.clicks_attributed AS
SELECT
  message_id, sent_at, sent_date, recipient, is_clickable, buttons, ticket_id, template_name, campaign_id, message_provider,
  click_id, clicked_at, kind, provider, source, button_id, button_text, description, url, flow_name, button
FROM ${database}.clicks_by_window
WHERE from_date = '2015-01-01' AND to_date = '2040-12-31'
