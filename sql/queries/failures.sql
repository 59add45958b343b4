-- Question: Which messages failed, why, and what is to be done?
-- Parameters: from, to; ${database}
-- Definitions (docs/metrics.md, parts 6 and 7): messages sent from … to in local days that failed and were never delivered*, by code.
-- A message that Meta held back (limited_by_meta) says nothing against the number. share = messages / all failed messages.
WITH failed AS (
  SELECT
    error_code,
    min(error_title) AS error_title,
    count(*) AS messages
  FROM ${database}.lifecycle_by_window
  WHERE from_date = ? AND to_date = ? AND is_failed
  GROUP BY error_code
),
classified AS (
  SELECT
    coalesce(c.error_class, CASE WHEN f.error_code IS NULL THEN 'unknown' ELSE 'other' END) AS error_class,
    f.error_code, f.error_title, f.messages
  FROM failed AS f
  LEFT JOIN ${database}.error_codes AS c ON c.error_code = f.error_code
)
SELECT
  f.error_class, f.error_code, f.error_title, k.advice, f.messages,
  CAST(f.messages AS double) / sum(f.messages) OVER () AS share
FROM classified AS f
INNER JOIN ${database}.error_classes AS k ON k.error_class = f.error_class
ORDER BY f.messages DESC, f.error_class, f.error_code NULLS LAST
