-- Question: Which links are opened?
-- Parameters: from, to; ${database}
-- Definitions (docs/metrics.md, part 6): rows of clicks of kind link_click or landing_page_view that happened from … to in local days.
-- Meta's link clicks name neither a person nor a message, only a token; with_message counts those that do name one.
SELECT
  url,
  description AS component,
  count(DISTINCT click_id) FILTER (WHERE kind = 'link_click') AS clicks,
  count(DISTINCT click_id) FILTER (WHERE kind = 'landing_page_view') AS landing_page_views,
  count(DISTINCT click_id) FILTER (WHERE kind = 'link_click' AND message_id IS NOT NULL) AS with_message,
  count(DISTINCT tracking_token) AS tokens
FROM ${database}.local_clicks
WHERE from_date = ? AND to_date = ? AND kind IN ('link_click', 'landing_page_view')
GROUP BY url, description
ORDER BY clicks DESC, landing_page_views DESC, url NULLS LAST, component NULLS LAST
