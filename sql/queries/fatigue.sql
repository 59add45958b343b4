-- Question: Do people click less in weeks in which more messages are sent to them?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, part 6.
-- The query covers messages sent on the local days `from` to `to`, by the number of messages that were sent to their recipient in the same
-- ISO week (5 stands for five and more). person_weeks: pairs of a person and a week. ctr = messages clicked / messages delivered*.
WITH ${include:cohort},
person_weeks AS (
  SELECT
    recipient,
    date_add('day', -CAST(sent_weekday - 1 AS integer), date(sent_date)) AS week,
    count(*) AS messages,
    count(*) FILTER (WHERE is_delivered) AS delivered,
    count(*) FILTER (WHERE is_read) AS read,
    count(*) FILTER (WHERE is_clicked) AS clicked
  FROM sent_messages
  WHERE recipient IS NOT NULL
  GROUP BY 1, 2
)
SELECT
  least(messages, 5) AS messages_a_week,
  count(*) AS person_weeks,
  CAST(sum(delivered) AS bigint) AS delivered,
  CAST(sum(read) AS bigint) AS read,
  CAST(sum(clicked) AS bigint) AS clicked,
  CAST(sum(clicked) AS double) / nullif(sum(delivered), 0) AS ctr
FROM person_weeks
GROUP BY 1
ORDER BY messages_a_week
