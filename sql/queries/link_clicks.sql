-- Question: Which links are opened?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, part 6.
-- The query covers rows of the table `clicks` of kind link_click or landing_page_view whose event happened on the local days `from` to `to`.
-- Meta's link clicks name neither a person nor a message, only a token. with_message counts the clicks of kind link_click that name a message.
WITH ${include:events}
SELECT
  url,
  description AS component,
  count(*) FILTER (WHERE kind = 'link_click') AS clicks,
  count(*) FILTER (WHERE kind = 'landing_page_view') AS landing_page_views,
  count(*) FILTER (WHERE kind = 'link_click' AND message_id IS NOT NULL) AS with_message,
  count(DISTINCT tracking_token) AS tokens
FROM local_clicks
WHERE kind IN ('link_click', 'landing_page_view')
GROUP BY url, description
ORDER BY clicks DESC, landing_page_views DESC, url NULLS LAST, component NULLS LAST
