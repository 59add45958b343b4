-- Question: Do messages fail because of bad numbers, because of Meta's limits, or because of our own faults?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, parts 6 and 7.
-- The query covers messages sent on the local days `from` to `to` that failed and were never delivered*, by class. share = messages / all failed
-- messages; cohort_share = messages / all messages sent on these days.
WITH ${include:cohort},
cohort AS (
  SELECT error_code, is_failed
  FROM sent_messages
),
classified AS (
  SELECT
    CASE WHEN m.is_failed THEN coalesce(c.error_class, CASE WHEN m.error_code IS NULL THEN 'unknown' ELSE 'other' END) END AS error_class,
    count(*) AS messages,
    sum(count(*)) OVER () AS cohort
  FROM cohort AS m
  LEFT JOIN ${database}.error_codes AS c ON c.error_code = m.error_code
  GROUP BY 1
)
SELECT
  f.error_class, f.messages,
  CAST(f.messages AS double) / sum(f.messages) OVER () AS share,
  CAST(f.messages AS double) / f.cohort AS cohort_share,
  k.advice
FROM classified AS f
INNER JOIN ${database}.error_classes AS k ON k.error_class = f.error_class
ORDER BY f.messages DESC, f.error_class
