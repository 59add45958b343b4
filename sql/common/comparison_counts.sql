-- The columns of `counted` beside group_name, which ctr_comparison compares.
  count(*) AS messages,
  count(*) FILTER (WHERE is_delivered) AS delivered,
  count(*) FILTER (WHERE is_clicked) AS clicked,
  CAST(count(*) FILTER (WHERE is_clicked) AS double) / nullif(count(*) FILTER (WHERE is_delivered), 0) AS ctr,
  nullif(CAST(count(*) FILTER (WHERE is_delivered) AS double), 0) AS n
