-- Question: Which campaigns are clicked?
-- Parameters: from, to; ${database}
-- Definitions (docs/metrics.md, part 6): the cohort of clickable messages sent from … to in local days.
-- ctr = messages clicked / messages delivered*; click_to_read = clicked / read*; unique_ctr = persons who clicked / persons reached.
-- delivered* = delivered, read, played or clicked. Clicks count up to the attribution window after their message was sent.
-- campaign_id: what the application says, else the provider, else the callback data set at sending.
SELECT
  campaign_id,
  min(campaign_name) AS campaign_name,
  count(*) AS messages,
  count(*) FILTER (WHERE is_delivered) AS delivered,
  count(*) FILTER (WHERE is_read) AS read,
  count(*) FILTER (WHERE is_clicked) AS clicked,
  CAST(sum(clicks) AS bigint) AS clicks,
  count(DISTINCT recipient) FILTER (WHERE is_delivered) AS recipients,
  count(DISTINCT recipient) FILTER (WHERE is_clicked) AS clickers,
  CAST(count(*) FILTER (WHERE is_clicked) AS double) / nullif(count(*) FILTER (WHERE is_delivered), 0) AS ctr,
  CAST(count(*) FILTER (WHERE is_clicked) AS double) / nullif(count(*) FILTER (WHERE is_read), 0) AS click_to_read,
  CAST(count(DISTINCT recipient) FILTER (WHERE is_clicked) AS double)
    / nullif(count(DISTINCT recipient) FILTER (WHERE is_delivered), 0) AS unique_ctr,
  CAST(sum(clicks) AS double) / nullif(count(*) FILTER (WHERE is_clicked), 0) AS clicks_per_clicked
FROM ${database}.lifecycle_by_window
WHERE from_date = ? AND to_date = ? AND is_clickable
GROUP BY campaign_id
ORDER BY messages DESC, campaign_id NULLS LAST
