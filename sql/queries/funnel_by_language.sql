-- Question: How far do the messages of each language version of a template get, and how fast?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions (docs/metrics.md, part 6): messages sent from … to in local days.
-- delivered* = delivered, read, played, clicked or answered; read* = read, played, clicked or answered; failed = failed and not delivered*.
-- replied: a message of the person quotes it within the attribution window. Rates: delivered / sent, the others / delivered.
-- p50 and p90 are nearest ranks, in seconds, of messages for which both steps were reported.
-- template_language is what track-send reports, such as en_US. Null: the application does not report it.
WITH ${include:cohort},
${include:message_steps}
SELECT
  template_name, template_language,
${include:funnel_measures}
FROM message_steps
GROUP BY template_name, template_language
ORDER BY sent DESC, template_name NULLS LAST, template_language NULLS LAST
