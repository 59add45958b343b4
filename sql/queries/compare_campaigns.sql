-- Question: Is one campaign clicked more than another, or is the difference chance?
-- Parameters: from, to, account_id, phone_number_id, campaigns; ${database}
-- Definitions: docs/metrics.md, part 6.
-- campaigns: ids of campaigns, separated by commas. The query covers the clickable messages of these campaigns, sent on the local days `from` to
-- `to`. The row with the highest CTR comes first. ctr_low, ctr_high: Wilson's interval at 95 %. behind_best: the highest CTR minus the CTR of
-- the row; behind_low, behind_high: Newcombe's interval of that difference at 95 %. If Newcombe's interval contains 0, the difference is not
-- statistically significant.
WITH ${include:cohort},
counted AS (
  SELECT
    campaign_id AS group_name,
${include:comparison_counts}
  FROM sent_messages
  WHERE is_clickable AND contains(split(?, ','), campaign_id)
  GROUP BY campaign_id
),
${include:ctr_comparison}
SELECT
  group_name AS campaign_id, messages, delivered, clicked, ctr, ctr_low, ctr_high, behind_best, behind_low, behind_high
FROM compared_groups
ORDER BY ctr DESC NULLS LAST, campaign_id
