-- Question: Is one language version of a template clicked more than another?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, part 6.
-- The query covers clickable messages sent on the local days `from` to `to`. ctr = messages clicked / messages delivered*; unique_ctr = persons
-- with a clicked message / persons with a delivered* message; total_click_rate = clicks / delivered*. delivered* = delivered, read, played,
-- clicked or answered. A click counts if it happened from 24 hours before to attribution_hours after its message was sent. template_language is
-- the language that track-send reports, such as en_US. It is null if the application does not report it.
WITH ${include:cohort}
SELECT
  template_name, template_language,
${include:ctr_measures}
FROM sent_messages
WHERE is_clickable
GROUP BY template_name, template_language
ORDER BY messages DESC, template_name NULLS LAST, template_language NULLS LAST
