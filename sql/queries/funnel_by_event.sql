-- Question: How far do the messages of each event (an occasion to which guests are invited) get, and how fast?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, part 6.
-- The query covers messages sent on the local days `from` to `to`. delivered* = delivered, read, played, clicked or answered; read* = read,
-- played, clicked or answered; failed = reported as failed and not delivered*. replied: at most attribution_hours after the message was sent, the
-- person wrote a message that quotes it. delivery_rate = delivered / sent; read_rate, click_rate and reply_rate are divided by delivered. p50 and
-- p90 are percentiles (nearest rank) of the seconds between two steps, over the messages for which both steps were reported.
WITH ${include:cohort},
${include:message_steps}
SELECT
  event_id,
${include:funnel_measures}
FROM message_steps
GROUP BY event_id
ORDER BY sent DESC, event_id NULLS LAST
