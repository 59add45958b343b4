-- Question: Do messages that go through one provider get more clicks than through another?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions (docs/metrics.md, part 6): clickable messages sent on the local days `from` to `to`. ctr = messages clicked / messages delivered*;
-- unique_ctr = persons who clicked / persons reached; total_click_rate = clicks / delivered*. delivered* = delivered, read, played, clicked or
-- answered. Clicks count if they happen within the attribution window after their message was sent.
WITH ${include:cohort}
SELECT
  provider,
${include:ctr_measures}
FROM sent_messages
WHERE is_clickable
GROUP BY provider
ORDER BY messages DESC, provider NULLS LAST
