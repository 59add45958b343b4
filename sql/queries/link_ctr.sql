-- Question: In what share of the messages of its template is each link opened?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, part 6.
-- The query covers attributed clicks of kind link_click on clickable messages sent on the local days `from` to `to`, by template and link. The
-- column link contains the button's label, else the URL. ctr = messages on which the link was opened / delivered* clickable messages of the
-- template. Meta's link clicks name no message; the query link_clicks counts them.
WITH ${include:cohort},
${include:attributed_clicks},
reached AS (
  SELECT template_name, count(*) FILTER (WHERE is_delivered) AS delivered
  FROM sent_messages
  WHERE is_clickable
  GROUP BY template_name
),
links AS (
  SELECT
    template_name,
    coalesce(button_text, url) AS link,
    count(DISTINCT url) AS urls,
    count(DISTINCT message_id) AS clicked,
    count(*) AS clicks,
    count(DISTINCT recipient) AS clickers
  FROM attributed_clicks
  WHERE is_clickable AND kind = 'link_click'
  GROUP BY template_name, coalesce(button_text, url)
)
SELECT
  l.template_name, l.link, l.urls, r.delivered, l.clicked, l.clicks, l.clickers,
  CAST(l.clicked AS double) / nullif(r.delivered, 0) AS ctr
FROM links AS l
INNER JOIN reached AS r ON r.template_name IS NOT DISTINCT FROM l.template_name
ORDER BY l.clicked DESC, l.template_name NULLS LAST, l.link NULLS LAST
