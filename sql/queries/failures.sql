-- Question: Which messages failed, why, and what is to be done?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, parts 6 and 7.
-- The query covers messages sent on the local days `from` to `to` that failed and were never delivered*, by code. Failures without a code are
-- grouped by the reason that the provider gives in words. The class limited_by_meta means that Meta held the message back although the number is
-- good. Of its codes, 131050 means that the person has stopped marketing messages: send this person no more of them (see numbers_to_suppress).
-- share = messages / all failed messages.
WITH ${include:cohort},
failed AS (
  SELECT
    error_code,
    CASE WHEN error_code IS NULL THEN coalesce(error_message, error_title) END AS reason,
    min(error_title) AS error_title,
    min(error_message) AS error_message,
    count(*) AS messages
  FROM sent_messages
  WHERE is_failed
  GROUP BY error_code, CASE WHEN error_code IS NULL THEN coalesce(error_message, error_title) END
),
classified AS (
  SELECT
    coalesce(c.error_class, CASE WHEN f.error_code IS NULL THEN 'unknown' ELSE 'other' END) AS error_class,
    f.error_code, f.reason, f.error_title, f.error_message, f.messages
  FROM failed AS f
  LEFT JOIN ${database}.error_codes AS c ON c.error_code = f.error_code
)
SELECT
  f.error_class, f.error_code, f.error_title, f.error_message, k.advice, f.messages,
  CAST(f.messages AS double) / sum(f.messages) OVER () AS share
FROM classified AS f
INNER JOIN ${database}.error_classes AS k ON k.error_class = f.error_class
ORDER BY f.messages DESC, f.error_class, f.error_code NULLS LAST, f.reason NULLS LAST
