-- Question: How far do the messages of each campaign get, and how fast?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions (docs/metrics.md, part 6): messages sent from … to in local days.
-- delivered* = delivered, read, played, clicked or answered; read* = read, played, clicked or answered; failed = failed and not delivered*.
-- replied: a message of the person quotes it within the attribution window. Rates: delivered / sent, the others / delivered.
-- p50 and p90 are nearest ranks, in seconds, of messages for which both steps were reported.
WITH ${include:cohort},
${include:message_steps}
SELECT
  campaign_id,
  min(campaign_name) AS campaign_name,
${include:funnel_measures}
FROM message_steps
GROUP BY campaign_id
ORDER BY sent DESC, campaign_id NULLS LAST
