-- The columns of every cost report, of a group of billed_messages of one currency (metrics.md, part 6).
  count(*) AS billable_messages,
  CAST(sum(price) AS double) AS cost,
  count(*) FILTER (WHERE is_clicked) AS clicked,
  CAST(sum(clicks) AS bigint) AS clicks,
  CAST(sum(price) AS double) / count(*) AS cost_per_message,
  CAST(sum(price) AS double) / nullif(CAST(sum(clicks) AS bigint), 0) AS cost_per_click
