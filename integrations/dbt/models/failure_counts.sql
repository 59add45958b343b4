{#- Generated from sql/bluetick_tools by `make integrations`: do not edit. -#}
SELECT
  m.sent_date,
  m.template_name,
  m.account_id,
  m.phone_number_id,
  m.error_code,
  coalesce(c.error_class, CASE WHEN m.error_code IS NULL THEN 'unknown' ELSE 'other' END) AS error_class,
  k.advice,
  count(*) AS messages
FROM {{ ref('sent_messages') }} AS m
LEFT JOIN {{ source('bluetick', 'error_codes') }} AS c ON c.error_code = m.error_code
INNER JOIN {{ source('bluetick', 'error_classes') }} AS k
  ON k.error_class = coalesce(c.error_class, CASE WHEN m.error_code IS NULL THEN 'unknown' ELSE 'other' END)
WHERE m.is_failed
GROUP BY 1, 2, 3, 4, 5, 6, 7
