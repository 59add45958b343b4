-- Question: Which campaigns are clicked?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions (docs/metrics.md, part 6): clickable messages sent from … to in local days.
-- ctr = messages clicked / messages delivered*; unique_ctr = persons who clicked / persons reached; total_click_rate = clicks / delivered*.
-- delivered* = delivered, read, played, clicked or answered. Clicks count up to the attribution window after their message was sent.
-- campaign_id: what the application says, else the provider, else the callback data set at sending.
WITH ${include:cohort}
SELECT
  campaign_id,
  min(campaign_name) AS campaign_name,
${include:ctr_measures}
FROM sent_messages
WHERE is_clickable
GROUP BY campaign_id
ORDER BY messages DESC, campaign_id NULLS LAST
