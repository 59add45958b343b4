-- Question: What share of the messages with a flow leads to a submitted flow?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, part 6.
-- The query covers attributed clicks of kind flow_reply on the messages sent on the local days `from` to `to`. A click of this kind is a
-- submitted flow. submission_rate = messages whose flow was submitted / delivered* messages of the same template.
WITH ${include:cohort},
${include:attributed_clicks},
reached AS (
  SELECT m.template_name, count(*) FILTER (WHERE m.is_delivered) AS delivered
  FROM sent_messages AS m
  GROUP BY m.template_name
),
submitted AS (
  SELECT
    c.flow_name, c.template_name,
    count(DISTINCT c.message_id) AS submitted,
    count(*) AS submissions,
    count(DISTINCT c.recipient) AS persons
  FROM attributed_clicks AS c
  WHERE c.kind = 'flow_reply'
  GROUP BY c.flow_name, c.template_name
)
SELECT
  s.flow_name, s.template_name, r.delivered, s.submitted, s.submissions, s.persons,
  CAST(s.submitted AS double) / nullif(r.delivered, 0) AS submission_rate
FROM submitted AS s
INNER JOIN reached AS r ON r.template_name IS NOT DISTINCT FROM s.template_name
ORDER BY s.submissions DESC, s.flow_name NULLS LAST, s.template_name NULLS LAST
