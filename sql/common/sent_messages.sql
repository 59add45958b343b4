-- sent_messages: one row per message of the business sent in report_window, with what became of it (metrics.md, part 2). Needs
-- report_window and placed_facts. Two `?`: account_id, phone_number_id; an empty text asks for all.
-- Each attribute comes from the row with the smallest precedence that has a value; at equal precedence the smallest text counts. The smallest
-- `precedence || text` gives this row; the text begins at its 14th character.
message_rows AS (
  SELECT
    message_id, opened_at,
    min(event_ts) FILTER (WHERE is_origin) AS sent_at,
    min(event_ts) FILTER (WHERE status = 'delivered') AS delivered_at,
    min(event_ts) FILTER (WHERE status IN ('read', 'played')) AS read_at,
    min(event_ts) FILTER (WHERE status = 'played') AS played_at,
    min(event_ts) FILTER (WHERE status = 'failed') AS failed_at,
    min(event_ts) FILTER (WHERE status = 'deleted') AS deleted_at,
    min(event_ts) FILTER (WHERE fact = 'click') AS first_click_at,
    min(event_ts) FILTER (WHERE fact = 'reply') AS replied_at,
    count(*) FILTER (WHERE fact = 'click') AS clicks,
    -- From the earliest failure that has a value; moment sorts like event_ts.
    min_by(error_code, moment || CAST(error_code AS varchar)) FILTER (WHERE status = 'failed' AND error_code IS NOT NULL) AS error_code,
    substr(min(CASE WHEN status = 'failed' THEN moment || error_title END), 14) AS error_title,
    substr(min(CASE WHEN status = 'failed' THEN moment || error_message END), 14) AS error_message,
    coalesce(min(provider) FILTER (WHERE fact = 'status' AND provider <> 'tracker'), 'tracker') AS provider,
    min(account_id) AS account_id,
    min(phone_number_id) AS phone_number_id,
    min(group_id) AS group_id,
    CASE WHEN min(group_id) IS NULL THEN min(wa_id) END AS wa_id,
    CASE WHEN min(group_id) IS NULL THEN coalesce(min(wa_id), min(user_id)) END AS recipient,
    substr(min(precedence || template_name), 14) AS template_name,
    coalesce(substr(min(precedence || campaign_id), 14), min(callback_data)) AS campaign_id,
    min(campaign_name) AS campaign_name,
    min(pricing_category) AS pricing_category,
    min(pricing_type) AS pricing_type,
    bool_or(billable) AS billable,
    -- Sends without these values have the defaults. If one send names an event and another does not, the event counts.
    coalesce(substr(min(precedence || message_type), 14), CASE WHEN count(standalone) > 0 THEN 'template' END) AS message_type,
    coalesce(substr(min(precedence || flow_type), 14), CASE WHEN count(standalone) > 0 THEN 'standalone' END) AS flow_type,
    substr(min(precedence || CASE WHEN standalone THEN 'b' WHEN NOT standalone THEN 'a' END), 14) = 'b' AS standalone,
    substr(min(precedence || event_id), 14) AS event_id,
    substr(min(precedence || event_registration_id), 14) AS event_registration_id,
    substr(min(precedence || guest_id), 14) AS guest_id,
    substr(min(precedence || guest_name), 14) AS guest_name,
    substr(min(precedence || ticket_id), 14) AS ticket_id,
    min_by(buttons, precedence || array_join(buttons, ',')) FILTER (WHERE buttons IS NOT NULL) AS buttons,
    substr(min(precedence || template_language), 14) AS template_language,
    min_by(attributes, precedence || array_join(map_keys(attributes), ',') || array_join(map_values(attributes), ','))
      FILTER (WHERE attributes IS NOT NULL) AS attributes
  FROM placed_facts
  GROUP BY message_id, opened_at
  HAVING count(*) FILTER (WHERE fact IN ('send', 'status', 'earlier origin')) > 0
),
dated_messages AS (
  SELECT
    m.*,
    at_timezone(with_timezone(m.sent_at, 'UTC'), w.timezone) AS sent_local,
    m.delivered_at IS NOT NULL OR m.read_at IS NOT NULL OR m.first_click_at IS NOT NULL OR m.replied_at IS NOT NULL AS is_delivered,
    m.read_at IS NOT NULL OR m.first_click_at IS NOT NULL OR m.replied_at IS NOT NULL AS is_read,
    w.from_date, w.to_date
  FROM message_rows AS m
  CROSS JOIN report_window AS w
),
sent_messages AS (
  SELECT
    message_id, sent_at,
    date(sent_local) AS sent_date,
    CAST(day_of_week(sent_local) AS bigint) AS sent_weekday,
    CAST(hour(sent_local) AS bigint) AS sent_hour,
    delivered_at, read_at, played_at, failed_at, deleted_at, first_click_at, replied_at, clicks,
    error_code, error_title, error_message,
    provider, account_id, phone_number_id, group_id, wa_id, recipient, template_name, campaign_id, campaign_name,
    pricing_category, pricing_type, billable,
    message_type, flow_type, standalone, event_id, event_registration_id, guest_id, guest_name, ticket_id, buttons,
    template_language, attributes,
    is_delivered, is_read,
    first_click_at IS NOT NULL AS is_clicked,
    replied_at IS NOT NULL AS is_replied,
    failed_at IS NOT NULL AND NOT is_delivered AS is_failed,
    deleted_at IS NOT NULL AS is_deleted,
    CASE
      WHEN deleted_at IS NOT NULL THEN 'deleted'
      WHEN is_read THEN 'read'
      WHEN is_delivered THEN 'delivered'
      WHEN failed_at IS NOT NULL THEN 'failed'
      ELSE 'sent'
    END AS state,
    buttons IS NULL OR cardinality(buttons) > 0 AS is_clickable
  FROM dated_messages
  WHERE coalesce(date(sent_local) BETWEEN from_date AND to_date, from_date = DATE '${first_day}')
    AND ? IN ('', coalesce(account_id, ''))
    AND ? IN ('', coalesce(phone_number_id, ''))
)
