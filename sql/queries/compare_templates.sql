-- Question: Is one template clicked more than another, or is the difference chance?
-- Parameters: from, to, account_id, phone_number_id, templates; ${database}
-- templates: names separated by commas. Definitions (docs/metrics.md, part 6): their clickable messages sent from … to in local days, the highest CTR
-- first. ctr_low, ctr_high: Wilson's interval at 95 %. behind_best: the highest CTR less this one; behind_low, behind_high: Newcombe's interval of
-- that difference at 95 %. If the interval contains 0, the difference is not significant.
WITH ${include:cohort},
counted AS (
  SELECT
    template_name,
    count(*) AS messages,
    count(*) FILTER (WHERE is_delivered) AS delivered,
    count(*) FILTER (WHERE is_clicked) AS clicked,
    CAST(count(*) FILTER (WHERE is_clicked) AS double) / nullif(count(*) FILTER (WHERE is_delivered), 0) AS ctr,
    nullif(CAST(count(*) FILTER (WHERE is_delivered) AS double), 0) AS n
  FROM sent_messages
  WHERE is_clickable AND contains(split(?, ','), template_name)
  GROUP BY template_name
),
bounded AS (
  -- Wilson's interval; 1.96 is the 97.5 % quantile of the normal distribution.
  SELECT
    template_name, messages, delivered, clicked, ctr,
    greatest(0e0, (ctr + 1.9208e0 / n - 1.96e0 * sqrt(ctr * (1e0 - ctr) / n + 0.9604e0 / (n * n))) / (1e0 + 3.8416e0 / n)) AS ctr_low,
    least(1e0, (ctr + 1.9208e0 / n + 1.96e0 * sqrt(ctr * (1e0 - ctr) / n + 0.9604e0 / (n * n))) / (1e0 + 3.8416e0 / n)) AS ctr_high
  FROM counted
),
compared AS (
  SELECT
    *,
    first_value(ctr) OVER (ORDER BY ctr DESC NULLS LAST, template_name) AS best_ctr,
    first_value(ctr_low) OVER (ORDER BY ctr DESC NULLS LAST, template_name) AS best_low,
    first_value(ctr_high) OVER (ORDER BY ctr DESC NULLS LAST, template_name) AS best_high
  FROM bounded
  )
SELECT
  template_name, messages, delivered, clicked, ctr, ctr_low, ctr_high,
  best_ctr - ctr AS behind_best,
  best_ctr - ctr - sqrt((best_ctr - best_low) * (best_ctr - best_low) + (ctr_high - ctr) * (ctr_high - ctr)) AS behind_low,
  best_ctr - ctr + sqrt((best_high - best_ctr) * (best_high - best_ctr) + (ctr - ctr_low) * (ctr - ctr_low)) AS behind_high
FROM compared
ORDER BY ctr DESC NULLS LAST, template_name
