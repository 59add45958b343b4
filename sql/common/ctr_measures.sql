-- The columns of every click-through report, of a group of clickable messages (metrics.md, part 6).
  count(*) AS messages,
  count(*) FILTER (WHERE is_delivered) AS delivered,
  count(*) FILTER (WHERE is_read) AS read,
  count(*) FILTER (WHERE is_clicked) AS clicked,
  coalesce(CAST(sum(clicks) AS bigint), 0) AS clicks,
  count(DISTINCT recipient) FILTER (WHERE is_delivered) AS recipients,
  count(DISTINCT recipient) FILTER (WHERE is_clicked) AS clickers,
  CAST(count(*) FILTER (WHERE is_clicked) AS double) / nullif(count(*) FILTER (WHERE is_delivered), 0) AS ctr,
  CAST(count(*) FILTER (WHERE is_clicked) AS double) / nullif(count(*) FILTER (WHERE is_read), 0) AS click_to_read,
  CAST(count(DISTINCT recipient) FILTER (WHERE is_clicked) AS double)
    / nullif(count(DISTINCT recipient) FILTER (WHERE is_delivered), 0) AS unique_ctr,
  CAST(sum(clicks) AS double) / nullif(count(*) FILTER (WHERE is_clicked), 0) AS clicks_per_clicked,
  CAST(sum(clicks) AS double) / nullif(count(*) FILTER (WHERE is_delivered), 0) AS total_click_rate,
  count(*) FILTER (WHERE buttons IS NULL) AS unknown_buttons
