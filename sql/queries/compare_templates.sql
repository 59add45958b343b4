-- Question: Is one template clicked more than another, or is the difference chance?
-- Parameters: from, to, account_id, phone_number_id, templates; ${database}
-- Definitions: docs/metrics.md, part 6.
-- templates: names of templates, separated by commas. The query covers the clickable messages of these templates, sent on the local days `from`
-- to `to`. The row with the highest CTR comes first. ctr_low, ctr_high: Wilson's interval at 95 %. behind_best: the highest CTR minus the CTR of
-- the row; behind_low, behind_high: Newcombe's interval of that difference at 95 %. If Newcombe's interval contains 0, the difference is not
-- statistically significant.
WITH ${include:cohort},
counted AS (
  SELECT
    template_name AS group_name,
${include:comparison_counts}
  FROM sent_messages
  WHERE is_clickable AND contains(split(?, ','), template_name)
  GROUP BY template_name
),
${include:ctr_comparison}
SELECT
  group_name AS template_name, messages, delivered, clicked, ctr, ctr_low, ctr_high, behind_best, behind_low, behind_high
FROM compared_groups
ORDER BY ctr DESC NULLS LAST, template_name
