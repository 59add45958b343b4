-- One row per message of the business that was sent on a local day of the window: the cohort from which every rate is made.
-- Always ask with `WHERE from_date = '…' AND to_date = '…'`. Definitions: docs/metrics.md, part 2. In short:
-- * sent_at is the earliest thing known of a message; each step the earliest status of its kind: order and repeats never matter.
-- * Statuses count up to 168 h after sent_at, clicks and replies up to ${attribution_hours} h.
-- * is_delivered means delivered, read, played or clicked; is_read means read, played or clicked: receipts may be missing.
-- * is_failed means failed and not delivered: another device may have received it.
-- Parameters: ${database}, ${timezone}, ${attribution_hours}.
CREATE OR REPLACE VIEW ${database}.lifecycle_by_window AS
WITH grouped AS (
  SELECT
    w.from_date,
    w.to_date,
    f.message_id,
    min(f.event_ts) FILTER (WHERE f.fact IN ('send', 'status')) AS sent_at,
    min(f.event_ts) FILTER (WHERE f.status = 'delivered') AS delivered_at,
    min(f.event_ts) FILTER (WHERE f.status IN ('read', 'played')) AS read_at,
    min(f.event_ts) FILTER (WHERE f.status = 'played') AS played_at,
    min(f.event_ts) FILTER (WHERE f.status = 'failed') AS failed_at,
    min(f.event_ts) FILTER (WHERE f.fact = 'click') AS first_click_at,
    min(f.event_ts) FILTER (WHERE f.fact = 'reply') AS replied_at,
    array_agg(f.event_ts) FILTER (WHERE f.fact = 'click') AS click_times,
    min_by(f.error_code, f.event_ts) FILTER (WHERE f.status = 'failed') AS error_code,
    min_by(f.error_title, f.event_ts) FILTER (WHERE f.status = 'failed') AS error_title,
    coalesce(min(f.provider) FILTER (WHERE f.fact = 'status' AND f.provider <> 'tracker'), 'tracker') AS provider,
    min(f.wa_id) AS wa_id,
    coalesce(min(f.user_id), min(f.wa_id)) AS recipient,
    coalesce(min(f.template_name) FILTER (WHERE f.fact = 'send'), min(f.template_name)) AS template_name,
    coalesce(min(f.campaign_id) FILTER (WHERE f.fact = 'send'), min(f.campaign_id), min(f.callback_data)) AS campaign_id,
    min(f.campaign_name) AS campaign_name,
    min(f.pricing_category) AS pricing_category,
    min(f.pricing_type) AS pricing_type,
    bool_or(f.billable) AS billable,
    min(f.message_type) AS message_type,
    min(f.flow_type) AS flow_type,
    bool_or(f.standalone) AS standalone,
    min(f.event_id) AS event_id,
    min(f.event_registration_id) AS event_registration_id,
    min(f.guest_id) AS guest_id,
    min(f.guest_name) AS guest_name,
    min(f.ticket_id) AS ticket_id,
    min_by(f.buttons, f.event_ts) FILTER (WHERE f.buttons IS NOT NULL) AS buttons
  FROM ${database}.message_facts AS f
  CROSS JOIN ${database}.report_window AS w
  WHERE f.dt BETWEEN CAST(date_add('day', -8, date(w.from_date)) AS varchar)
    AND CAST(date_add('day', 1 + (greatest(168, ${attribution_hours}) + 23) / 24, date(w.to_date)) AS varchar)
  GROUP BY w.from_date, w.to_date, f.message_id
),
dated AS (
  SELECT *, at_timezone(with_timezone(sent_at, 'UTC'), '${timezone}') AS sent_local
  FROM grouped
  WHERE sent_at IS NOT NULL
),
bounded AS (
  SELECT
    from_date, to_date, message_id, sent_at,
    date(sent_local) AS sent_date,
    CAST(day_of_week(sent_local) AS bigint) AS sent_weekday,
    CAST(hour(sent_local) AS bigint) AS sent_hour,
    CASE WHEN delivered_at <= sent_at + INTERVAL '168' HOUR THEN delivered_at END AS delivered_at,
    CASE WHEN read_at <= sent_at + INTERVAL '168' HOUR THEN read_at END AS read_at,
    CASE WHEN played_at <= sent_at + INTERVAL '168' HOUR THEN played_at END AS played_at,
    CASE WHEN failed_at <= sent_at + INTERVAL '168' HOUR THEN failed_at END AS failed_at,
    CASE WHEN failed_at <= sent_at + INTERVAL '168' HOUR THEN error_code END AS error_code,
    CASE WHEN failed_at <= sent_at + INTERVAL '168' HOUR THEN error_title END AS error_title,
    CASE WHEN first_click_at <= sent_at + INTERVAL '${attribution_hours}' HOUR THEN first_click_at END AS first_click_at,
    CASE WHEN replied_at <= sent_at + INTERVAL '${attribution_hours}' HOUR THEN replied_at END AS replied_at,
    CAST(coalesce(cardinality(filter(click_times, t -> t <= sent_at + INTERVAL '${attribution_hours}' HOUR)), 0) AS bigint) AS clicks,
    provider, wa_id, recipient, template_name, campaign_id, campaign_name, pricing_category, pricing_type, billable,
    message_type, flow_type, standalone, event_id, event_registration_id, guest_id, guest_name, ticket_id, buttons
  FROM dated
  WHERE date(sent_local) BETWEEN date(from_date) AND date(to_date)
),
judged AS (
  SELECT
    *,
    delivered_at IS NOT NULL OR read_at IS NOT NULL OR first_click_at IS NOT NULL AS is_delivered,
    read_at IS NOT NULL OR first_click_at IS NOT NULL AS is_read,
    first_click_at IS NOT NULL AS is_clicked,
    replied_at IS NOT NULL AS is_replied
  FROM bounded
)
SELECT
  *,
  failed_at IS NOT NULL AND NOT is_delivered AS is_failed,
  CASE WHEN is_read THEN 'read' WHEN is_delivered THEN 'delivered' WHEN failed_at IS NOT NULL THEN 'failed' ELSE 'sent' END AS state,
  buttons IS NULL OR cardinality(buttons) > 0 AS is_clickable
FROM judged
