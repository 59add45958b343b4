-- compared_groups: the rows of `counted` (group_name, messages, delivered, clicked, ctr, n = delivered as a double or null), each with Wilson's
-- interval of its CTR, and with the difference to the highest CTR and Newcombe's interval of that difference (metrics.md, part 6).
-- 1.96 is the 97.5 % quantile of the normal distribution: 1.9208 = 1.96² / 2, 0.9604 = 1.96² / 4, 3.8416 = 1.96².
bounded AS (
  SELECT
    group_name, messages, delivered, clicked, ctr,
    greatest(0e0, (ctr + 1.9208e0 / n - 1.96e0 * sqrt(ctr * (1e0 - ctr) / n + 0.9604e0 / (n * n))) / (1e0 + 3.8416e0 / n)) AS ctr_low,
    least(1e0, (ctr + 1.9208e0 / n + 1.96e0 * sqrt(ctr * (1e0 - ctr) / n + 0.9604e0 / (n * n))) / (1e0 + 3.8416e0 / n)) AS ctr_high
  FROM counted
),
compared AS (
  SELECT
    *,
    first_value(ctr) OVER (ORDER BY ctr DESC NULLS LAST, group_name) AS best_ctr,
    first_value(ctr_low) OVER (ORDER BY ctr DESC NULLS LAST, group_name) AS best_low,
    first_value(ctr_high) OVER (ORDER BY ctr DESC NULLS LAST, group_name) AS best_high
  FROM bounded
),
compared_groups AS (
  SELECT
    group_name, messages, delivered, clicked, ctr, ctr_low, ctr_high,
    best_ctr - ctr AS behind_best,
    best_ctr - ctr - sqrt((best_ctr - best_low) * (best_ctr - best_low) + (ctr_high - ctr) * (ctr_high - ctr)) AS behind_low,
    best_ctr - ctr + sqrt((best_high - best_ctr) * (best_high - best_ctr) + (ctr - ctr_low) * (ctr - ctr_low)) AS behind_high
  FROM compared
)
