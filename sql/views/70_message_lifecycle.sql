-- One row per message of the business, over the whole lake: for a look around, a small lake or an export.
-- It reads every partition. A report over some days asks lifecycle_by_window, which reads only those.
-- Parameters: ${database}.
CREATE OR REPLACE VIEW ${database}.message_lifecycle AS
SELECT
  message_id, sent_at, sent_date, sent_weekday, sent_hour, delivered_at, read_at, played_at, failed_at, error_code, error_title,
  first_click_at, replied_at, clicks, provider, wa_id, recipient, template_name, campaign_id, campaign_name, pricing_category,
  pricing_type, billable, message_type, flow_type, standalone, event_id, event_registration_id, guest_id, guest_name, ticket_id, buttons,
  is_delivered, is_read, is_clicked, is_replied, is_failed, state, is_clickable
FROM ${database}.lifecycle_by_window
WHERE from_date = '2015-01-01' AND to_date = '2040-12-31'
