-- Question: How far do the messages of each event get, and how fast?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions (docs/metrics.md, part 6): messages sent on the local days `from` to `to`. delivered* = delivered, read, played, clicked or
-- answered; read* = read, played, clicked or answered; failed = failed and not delivered*. replied: a message of the person quotes the message
-- within the attribution window. delivery_rate = delivered / sent; the other rates are divided by delivered. p50 and p90 are percentiles
-- (nearest rank) in seconds, of the messages for which both steps were reported.
WITH ${include:cohort},
${include:message_steps}
SELECT
  event_id,
${include:funnel_measures}
FROM message_steps
GROUP BY event_id
ORDER BY sent DESC, event_id NULLS LAST
