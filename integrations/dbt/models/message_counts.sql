{#- Generated from sql/bluetick_tools by `make integrations`: do not edit. -#}
SELECT
  sent_date,
  template_name,
  campaign_id,
  account_id,
  phone_number_id,
  provider,
  count(*) AS sent,
  count(*) FILTER (WHERE is_delivered) AS delivered,
  count(*) FILTER (WHERE is_read) AS read,
  count(*) FILTER (WHERE is_clicked) AS clicked,
  count(*) FILTER (WHERE is_replied) AS replied,
  count(*) FILTER (WHERE is_failed) AS failed,
  count(*) FILTER (WHERE is_deleted) AS deleted,
  count(*) FILTER (WHERE is_clickable) AS clickable,
  count(*) FILTER (WHERE is_clickable AND is_delivered) AS clickable_delivered,
  count(*) FILTER (WHERE is_clickable AND is_read) AS clickable_read,
  count(*) FILTER (WHERE is_clickable AND is_clicked) AS clickable_clicked,
  CAST(coalesce(sum(clicks) FILTER (WHERE is_clickable), 0) AS bigint) AS clicks
FROM {{ ref('sent_messages') }}
GROUP BY sent_date, template_name, campaign_id, account_id, phone_number_id, provider
