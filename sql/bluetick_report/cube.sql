-- Question: How many messages reached each step, by day, template, campaign and business number?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions (docs/metrics.md, part 6): messages sent from … to in local days. The report filters these counts and adds them up.
-- clickable_* and clicks are of clickable messages only: the counts behind CTR.
WITH ${include:cohort}
SELECT
  sent_date,
  template_name,
  campaign_id,
  min(campaign_name) AS campaign_name,
  phone_number_id,
  count(*) AS sent,
  count(*) FILTER (WHERE is_delivered) AS delivered,
  count(*) FILTER (WHERE is_read) AS read,
  count(*) FILTER (WHERE is_clicked) AS clicked,
  count(*) FILTER (WHERE is_replied) AS replied,
  count(*) FILTER (WHERE is_failed) AS failed,
  count(*) FILTER (WHERE is_clickable) AS clickable,
  count(*) FILTER (WHERE is_clickable AND is_delivered) AS clickable_delivered,
  count(*) FILTER (WHERE is_clickable AND is_read) AS clickable_read,
  count(*) FILTER (WHERE is_clickable AND is_clicked) AS clickable_clicked,
  CAST(coalesce(sum(clicks) FILTER (WHERE is_clickable), 0) AS bigint) AS clicks
FROM sent_messages
GROUP BY sent_date, template_name, campaign_id, phone_number_id
ORDER BY sent_date, template_name NULLS LAST, campaign_id NULLS LAST, phone_number_id NULLS LAST
