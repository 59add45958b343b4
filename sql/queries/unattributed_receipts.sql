-- Question: Which delivery receipts are attributed to no message?
-- Parameters: from, to, account_id, phone_number_id; ${database}, ${timezone}
-- Definitions: docs/metrics.md, part 6.
-- The query covers receipts that happened on the local days `from` to `to` and belong to no message. A receipt is a status other than accepted,
-- pending, queued, enqueued, submitted, sent and failed, which show that the message was sent. late: the message was sent more than 168 h and at
-- most 31 days before the receipt. unknown_message: no source reports that the message was sent in the 31 days before the receipt, or in the 24
-- hours after the receipt. No figure about messages counts the receipts of these two kinds; look-ups show them.
WITH ${include:attribution_window},
${include:taps},
${include:message_facts},
${include:openings},
openings AS (
  SELECT DISTINCT message_id, opening
  FROM openings_marked
  WHERE opening IS NOT NULL
),
receipts AS (
  SELECT f.message_id, f.event_ts, f.status, min(f.provider) AS provider
  FROM message_facts AS f
  CROSS JOIN report_window AS w
  WHERE f.fact = 'status' AND NOT f.is_origin
    AND date(at_timezone(with_timezone(f.event_ts, 'UTC'), '${timezone}')) BETWEEN w.from_date AND w.to_date
    AND ? IN ('', coalesce(f.account_id, ''))
    AND ? IN ('', coalesce(f.phone_number_id, ''))
  GROUP BY f.message_id, f.event_ts, f.status
),
joined AS (
  SELECT r.message_id, r.event_ts, r.status, r.provider, max(o.opening) AS sent_at
  FROM receipts AS r
  LEFT JOIN openings AS o
    ON o.message_id = r.message_id
    AND r.event_ts >= o.opening - INTERVAL '24' HOUR AND r.event_ts <= o.opening + INTERVAL '744' HOUR
  GROUP BY r.message_id, r.event_ts, r.status, r.provider
)
SELECT
  CASE WHEN sent_at IS NULL THEN 'unknown_message' ELSE 'late' END AS reason,
  provider, status,
  count(*) AS receipts,
  count(DISTINCT message_id) AS messages
FROM joined
WHERE sent_at IS NULL OR event_ts > sent_at + INTERVAL '168' HOUR
GROUP BY 1, 2, 3
ORDER BY reason, provider, status
