-- Question: At which hour of which weekday are messages sent that get clicked?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, part 6.
-- The query covers clickable messages sent on the local days `from` to `to`, by the local hour at which they were sent. weekday: 1 Monday … 7
-- Sunday. ctr = messages clicked / messages delivered*.
WITH ${include:cohort}
SELECT
  sent_weekday AS weekday,
  sent_hour AS hour,
  count(*) AS messages,
  count(*) FILTER (WHERE is_delivered) AS delivered,
  count(*) FILTER (WHERE is_clicked) AS clicked,
  CAST(count(*) FILTER (WHERE is_clicked) AS double) / nullif(count(*) FILTER (WHERE is_delivered), 0) AS ctr
FROM sent_messages
WHERE is_clickable
GROUP BY sent_weekday, sent_hour
ORDER BY weekday, hour
