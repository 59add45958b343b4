-- Question: What should Meta's own dashboard show for each template and day?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, part 6.
-- The query covers messages sent on the UTC days `from` to `to`, by day and template. Receipts and clicks count for 7 days after the message was
-- sent, as in Meta's dashboard. sent: messages, except messages of which only a failure was reported. delivered: messages with a reported status
-- delivered or read. read: messages with a reported status read. clicked: number of clicks, not of messages. click_rate = clicked / delivered.
-- Messages of an unknown template are left out.
WITH ${include:meta_cohort}
SELECT
  sent_date, template_name,
  count(*) FILTER (WHERE failed_at IS NULL OR failed_at > sent_at OR is_delivered) AS sent,
  count(*) FILTER (WHERE delivered_at IS NOT NULL OR read_at IS NOT NULL) AS delivered,
  count(*) FILTER (WHERE read_at IS NOT NULL) AS read,
  coalesce(CAST(sum(clicks) AS bigint), 0) AS clicked,
  CAST(sum(clicks) AS double) / nullif(count(*) FILTER (WHERE delivered_at IS NOT NULL OR read_at IS NOT NULL), 0) AS click_rate
FROM sent_messages
WHERE template_name IS NOT NULL
GROUP BY sent_date, template_name
ORDER BY sent_date, template_name
