-- Question: Which clicks are attributed to no message?
-- Parameters: from, to, account_id, phone_number_id; ${database}, ${timezone}, ${attribution_hours}
-- Definitions: docs/metrics.md, part 6.
-- The query covers clicks for CTR that happened on the local days `from` to `to` and are attributed to no message. no_message_id: the provider
-- does not say which message was clicked. unknown_message: no source reports that the message was sent in the attribution_hours before the click,
-- or in the 24 hours after the click.
WITH ${include:attribution_window},
${include:taps},
${include:message_facts},
${include:openings},
${include:local_clicks},
openings AS (
  SELECT DISTINCT message_id, opening
  FROM openings_marked
  WHERE opening IS NOT NULL
),
joined AS (
  SELECT
    c.click_id, c.event_ts, c.message_id, c.provider, c.kind, c.person,
    count(o.opening) AS messages
  FROM local_clicks AS c
  LEFT JOIN openings AS o
    ON o.message_id = c.message_id
    AND c.event_ts >= o.opening - INTERVAL '24' HOUR AND c.event_ts <= o.opening + INTERVAL '${attribution_hours}' HOUR
  WHERE c.is_click
  GROUP BY c.click_id, c.event_ts, c.message_id, c.provider, c.kind, c.person
)
SELECT
  CASE WHEN message_id IS NULL THEN 'no_message_id' ELSE 'unknown_message' END AS reason,
  provider, kind,
  count(*) AS clicks,
  count(DISTINCT person) AS persons
FROM joined
WHERE messages = 0
GROUP BY 1, 2, 3
ORDER BY reason, provider, kind
