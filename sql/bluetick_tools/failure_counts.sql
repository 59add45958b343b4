-- Question: How many messages of each day failed with each code, and what is to be done?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions (docs/metrics.md, parts 6 and 7): messages sent on the local days `from` to `to` that failed and were never delivered*.
WITH ${include:cohort}
SELECT
  m.sent_date,
  m.template_name,
  m.account_id,
  m.phone_number_id,
  m.error_code,
  coalesce(c.error_class, CASE WHEN m.error_code IS NULL THEN 'unknown' ELSE 'other' END) AS error_class,
  k.advice,
  count(*) AS messages
FROM sent_messages AS m
LEFT JOIN ${database}.error_codes AS c ON c.error_code = m.error_code
INNER JOIN ${database}.error_classes AS k
  ON k.error_class = coalesce(c.error_class, CASE WHEN m.error_code IS NULL THEN 'unknown' ELSE 'other' END)
WHERE m.is_failed
GROUP BY 1, 2, 3, 4, 5, 6, 7
