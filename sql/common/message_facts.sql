-- message_facts: what is known of each message of the business in reach of report_window: one row per send, status, click for CTR and
-- quoting reply (metrics.md, part 2). Needs report_window and taps.
-- is_origin: the row says that the message was sent. precedence: an attribute is taken from the row with the smallest precedence that has a value.
-- Corrected sends precede other sends, the latest correction first; sends precede statuses.
-- The last branch reads 30 more days before the window, only to find origins: three columns of statuses and two of sends.
message_facts AS (
  SELECT
    s.message_id, s.event_ts, 'status' AS fact, s.status,
    s.status IN ('accepted', 'pending', 'queued', 'enqueued', 'submitted', 'sent', 'failed') AS is_origin,
    '9999999999999' AS precedence,
    s.provider, s.account_id, s.phone_number_id, s.group_id, s.wa_id, s.user_id,
    s.error_code, s.error_title, s.error_message,
    s.template_name, s.campaign_id, s.campaign_name, s.callback_data, s.pricing_category, s.pricing_type, s.billable,
    CAST(NULL AS varchar) AS message_type, CAST(NULL AS varchar) AS flow_type, CAST(NULL AS boolean) AS standalone,
    CAST(NULL AS varchar) AS event_id, CAST(NULL AS varchar) AS event_registration_id, CAST(NULL AS varchar) AS guest_id,
    CAST(NULL AS varchar) AS guest_name, CAST(NULL AS varchar) AS ticket_id, s.buttons,
    CAST(NULL AS varchar) AS template_language, CAST(NULL AS map(varchar, varchar)) AS attributes
  FROM ${database}.statuses AS s
  CROSS JOIN report_window AS w
  WHERE s.dt BETWEEN CAST(date_add('day', -w.days_before, date(w.from_date)) AS varchar)
    AND CAST(date_add('day', w.days_after, date(w.to_date)) AS varchar) AND NOT starts_with(s.status, 'payment_')
  UNION ALL
  SELECT
    s.message_id, s.event_ts, 'send', NULL, true,
    ${include:send_precedence},
    s.provider, s.account_id, s.phone_number_id, NULL, s.wa_id, s.user_id,
    NULL, NULL, NULL,
    s.template_name, s.campaign_id, NULL, NULL, NULL, NULL, NULL,
    s.message_type, s.flow_type, s.standalone, s.event_id, s.event_registration_id, s.guest_id, s.guest_name, s.ticket_id, s.buttons,
    s.template_language, s.attributes
  FROM ${database}.sends AS s
  CROSS JOIN report_window AS w
  WHERE s.dt BETWEEN CAST(date_add('day', -w.days_before, date(w.from_date)) AS varchar)
    AND CAST(date_add('day', w.days_after, date(w.to_date)) AS varchar)
  UNION ALL
  SELECT
    message_id, event_ts, 'click', NULL, false, '9999999999999',
    provider, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM taps
  WHERE is_click AND message_id IS NOT NULL
  UNION ALL
  SELECT
    r.context_message_id, r.event_ts, 'reply', NULL, false, '9999999999999',
    r.provider, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM ${database}.messages AS r
  CROSS JOIN report_window AS w
  WHERE r.dt BETWEEN CAST(date_add('day', -w.days_before, date(w.from_date)) AS varchar)
    AND CAST(date_add('day', w.days_after, date(w.to_date)) AS varchar)
    AND r.context_message_id IS NOT NULL AND coalesce(r.type, 'unknown') <> 'reaction'
  UNION ALL
  SELECT
    o.message_id, o.event_ts, 'earlier origin', NULL, true, '9999999999999',
    NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM (
    SELECT message_id, event_ts, dt
    FROM ${database}.statuses
    WHERE status IN ('accepted', 'pending', 'queued', 'enqueued', 'submitted', 'sent', 'failed')
    UNION ALL
    SELECT message_id, event_ts, dt
    FROM ${database}.sends
  ) AS o
  CROSS JOIN report_window AS w
  WHERE o.dt BETWEEN CAST(date_add('day', -w.days_before - 30, date(w.from_date)) AS varchar)
    AND CAST(date_add('day', -w.days_before - 1, date(w.from_date)) AS varchar)
)
