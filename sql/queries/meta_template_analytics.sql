-- Question: What should Meta's own dashboard show for each template and day?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions (docs/metrics.md, part 6): messages sent from … to in UTC days, with receipts and clicks of the first seven days, as Meta counts.
-- delivered and read are those reported, not implied; clicked: clicks; Meta's click rate is clicks / delivered. Only messages of a known
-- template that left: a message that is known by its failure alone is not sent.
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
