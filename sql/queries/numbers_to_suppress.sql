-- Question: Which numbers should get no further message?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, parts 6 and 7.
-- The query covers recipients of messages sent on the local days `from` to `to`, by reason. undeliverable: a message failed with error code 1013,
-- 131026 or 131062, and no message to the person was delivered* on these days. The code 131021 of the failure
-- class undeliverable does not count here. opted_out: a message failed with error code 131050.
WITH ${include:cohort},
people AS (
  SELECT
    recipient,
    count(*) FILTER (WHERE is_failed AND error_code IN (1013, 131026, 131062)) AS undeliverable,
    count(*) FILTER (WHERE is_failed AND error_code = 131050) AS opted_out,
    count(*) FILTER (WHERE is_delivered) AS delivered,
    max(failed_at) AS last_failed_at
  FROM sent_messages
  WHERE recipient IS NOT NULL
  GROUP BY recipient
)
SELECT
  CASE WHEN opted_out > 0 THEN 'opted_out' ELSE 'undeliverable' END AS reason,
  recipient,
  undeliverable + opted_out AS failures,
  last_failed_at
FROM people
WHERE opted_out > 0 OR (undeliverable > 0 AND delivered = 0)
ORDER BY reason, recipient
