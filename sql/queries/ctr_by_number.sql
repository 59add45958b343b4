-- Question: Which of the business's numbers and accounts get clicks?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions (docs/metrics.md, part 6): clickable messages sent on the local days `from` to `to`. ctr = messages clicked / messages delivered*;
-- unique_ctr = persons who clicked / persons reached; total_click_rate = clicks / delivered*. delivered* = delivered, read, played, clicked or
-- answered. Clicks count if they happen within the attribution window after their message was sent.
WITH ${include:cohort}
SELECT
  account_id, phone_number_id,
${include:ctr_measures}
FROM sent_messages
WHERE is_clickable
GROUP BY account_id, phone_number_id
ORDER BY messages DESC, account_id NULLS LAST, phone_number_id NULLS LAST
