-- What is told of each message of the business: one row per send, delivery status, click for CTR and quoting reply.
-- dt passes through, so that a condition on it prunes the partitions of all four tables.
-- Parameters: ${database}.
CREATE OR REPLACE VIEW ${database}.message_facts AS
SELECT
  dt, message_id, event_ts, 'status' AS fact, status, provider, wa_id, user_id, error_code, error_title,
  template_name, campaign_id, campaign_name, callback_data, pricing_category, pricing_type, billable,
  CAST(NULL AS varchar) AS message_type, CAST(NULL AS varchar) AS flow_type, CAST(NULL AS boolean) AS standalone,
  CAST(NULL AS varchar) AS event_id, CAST(NULL AS varchar) AS event_registration_id, CAST(NULL AS varchar) AS guest_id,
  CAST(NULL AS varchar) AS guest_name, CAST(NULL AS varchar) AS ticket_id, CAST(NULL AS array(varchar)) AS buttons
FROM ${database}.statuses
WHERE NOT starts_with(status, 'payment_')
UNION ALL
SELECT
  dt, message_id, event_ts, 'send', NULL, provider, wa_id, NULL, NULL, NULL,
  template_name, campaign_id, NULL, NULL, NULL, NULL, NULL,
  message_type, flow_type, standalone,
  event_id, event_registration_id, guest_id,
  guest_name, ticket_id, buttons
FROM ${database}.sends
UNION ALL
SELECT
  dt, message_id, event_ts, 'click', NULL, provider, NULL, NULL, NULL, NULL,
  NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  NULL, NULL, NULL,
  NULL, NULL, NULL,
  NULL, NULL, NULL
FROM ${database}.clicks
WHERE message_id IS NOT NULL AND kind IN ('button_reply', 'list_reply', 'flow_reply', 'quick_reply', 'link_click')
UNION ALL
SELECT
  dt, context_message_id, event_ts, 'reply', NULL, provider, NULL, NULL, NULL, NULL,
  NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  NULL, NULL, NULL,
  NULL, NULL, NULL,
  NULL, NULL, NULL
FROM ${database}.messages
WHERE context_message_id IS NOT NULL AND coalesce(type, 'unknown') <> 'reaction'
