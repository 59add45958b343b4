-- Question: How many messages of each price category does Meta charge for?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, part 6.
-- The query covers messages sent on the local days `from` to `to` with a price category, each counted once, however many of its statuses carry
-- the category. Meta charges for delivered messages: billable_messages counts the messages that are billable and delivered*. share =
-- billable_messages / all billable messages. The query counts messages and not money, because webhooks contain no prices.
WITH ${include:cohort}
SELECT
  pricing_category, pricing_type,
  count(*) AS messages,
  count(*) FILTER (WHERE is_delivered) AS delivered,
  count(*) FILTER (WHERE billable AND is_delivered) AS billable_messages,
  CAST(count(*) FILTER (WHERE billable AND is_delivered) AS double)
    / nullif(sum(count(*) FILTER (WHERE billable AND is_delivered)) OVER (), 0) AS share
FROM sent_messages
WHERE pricing_category IS NOT NULL
GROUP BY pricing_category, pricing_type
ORDER BY messages DESC, pricing_category, pricing_type NULLS LAST
