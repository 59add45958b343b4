-- Question: How many messages of each price category does Meta charge for?
-- Parameters: from, to; ${database}
-- Definitions (docs/metrics.md, part 6): messages sent from … to in local days, each counted once, however many of its statuses
-- carry the price. share = billable_messages / all billable messages. For money, multiply billable_messages by your rate card.
SELECT
  pricing_category, pricing_type,
  count(*) AS messages,
  count(*) FILTER (WHERE billable) AS billable_messages,
  CAST(count(*) FILTER (WHERE billable) AS double) / nullif(sum(count(*) FILTER (WHERE billable)) OVER (), 0) AS share
FROM ${database}.lifecycle_by_window
WHERE from_date = ? AND to_date = ? AND pricing_category IS NOT NULL
GROUP BY pricing_category, pricing_type
ORDER BY messages DESC, pricing_category, pricing_type NULLS LAST
