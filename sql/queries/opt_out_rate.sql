-- Question: Which templates make people opt out?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, part 6.
-- The query covers messages sent on the local days `from` to `to`, by template. refused: messages that failed with error code 131050, because the
-- person stopped marketing messages. stop_clicked: messages on which a button labelled stop, stop promotions, unsubscribe, opt out or opt-out was
-- clicked. opt_out_rate = stop_clicked / delivered*.
WITH ${include:cohort},
${include:attributed_clicks},
stops AS (
  SELECT template_name, count(DISTINCT message_id) AS stop_clicked
  FROM attributed_clicks
  WHERE lower(trim(button_text)) IN ('stop', 'stop promotions', 'unsubscribe', 'opt out', 'opt-out')
  GROUP BY template_name
),
templates AS (
  SELECT
    template_name,
    count(*) AS messages,
    count(*) FILTER (WHERE is_delivered) AS delivered,
    count(*) FILTER (WHERE is_failed AND error_code = 131050) AS refused
  FROM sent_messages
  GROUP BY template_name
)
SELECT
  t.template_name, t.messages, t.delivered, t.refused,
  coalesce(s.stop_clicked, 0) AS stop_clicked,
  CAST(coalesce(s.stop_clicked, 0) AS double) / nullif(t.delivered, 0) AS opt_out_rate
FROM templates AS t
LEFT JOIN stops AS s ON s.template_name IS NOT DISTINCT FROM t.template_name
ORDER BY t.messages DESC, t.template_name NULLS LAST
