-- Question: Which campaigns are clicked?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, part 6.
-- The query covers clickable messages sent on the local days `from` to `to`. ctr = messages clicked / messages delivered*; unique_ctr = persons
-- with a clicked message / persons with a delivered* message; total_click_rate = clicks / delivered*. delivered* = delivered, read, played,
-- clicked or answered. A click counts if it happened from 24 hours before to attribution_hours after its message was sent. campaign_id: the id
-- that the application reports, else the id that the provider reports, else the callback data that was set when the message was sent.
WITH ${include:cohort}
SELECT
  campaign_id,
  min(campaign_name) AS campaign_name,
${include:ctr_measures}
FROM sent_messages
WHERE is_clickable
GROUP BY campaign_id
ORDER BY messages DESC, campaign_id NULLS LAST
