-- No group has more delivered messages than sent ones, more read than delivered, more clicked than read; nor a failed one that was delivered.
SELECT *
FROM {{ ref('message_counts') }}
WHERE delivered > sent
  OR read > delivered
  OR clicked > read
  OR failed + delivered > sent
  OR clickable_clicked > clicks
