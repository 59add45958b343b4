-- Question: In what share of the messages of its template is each label clicked?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, part 6.
-- The query covers attributed clicks on clickable messages sent on the local days `from` to `to`, by template and label. Unlike ctr_by_button,
-- the query counts buttons with the same label together, even if their ids differ from message to message, for example because the ids contain an
-- order number. ctr = messages on which the label was clicked / delivered* clickable messages of the template.
WITH ${include:cohort},
${include:attributed_clicks},
reached AS (
  SELECT template_name, count(*) FILTER (WHERE is_delivered) AS delivered
  FROM sent_messages
  WHERE is_clickable
  GROUP BY template_name
),
labels AS (
  SELECT
    template_name,
    coalesce(button_text, button) AS label,
    count(DISTINCT message_id) AS clicked,
    count(*) AS clicks,
    count(DISTINCT recipient) AS clickers
  FROM attributed_clicks
  WHERE is_clickable AND coalesce(button_text, button) IS NOT NULL
  GROUP BY template_name, coalesce(button_text, button)
)
SELECT
  l.template_name, l.label, r.delivered, l.clicked, l.clicks, l.clickers,
  CAST(l.clicked AS double) / nullif(r.delivered, 0) AS ctr
FROM labels AS l
INNER JOIN reached AS r ON r.template_name IS NOT DISTINCT FROM l.template_name
ORDER BY l.clicked DESC, l.template_name NULLS LAST, l.label
