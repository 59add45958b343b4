-- Question: What is the CTR of all messages together, by message and by person?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, part 6.
-- The query covers clickable messages sent on the local days `from` to `to`. ctr = messages clicked / messages delivered*; unique_ctr = persons
-- with a clicked message / persons with a delivered* message; total_click_rate = clicks / delivered*. delivered* = delivered, read, played,
-- clicked or answered. A click counts if it happened from 24 hours before to attribution_hours after its message was sent.
WITH ${include:cohort}
SELECT
${include:ctr_measures}
FROM sent_messages
WHERE is_clickable
