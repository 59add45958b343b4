-- Question: What does each template cost, and what does a click on it cost?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, part 6.
-- The query covers messages sent on the local days `from` to `to` that are billable and delivered*, with the prices of the view rate_card. A row
-- without a currency counts the messages that no row of rate_card matches: the cost of these messages is null, not 0. cost_per_click = cost of
-- the messages of the row / clicks on them. Webhooks contain no prices: the view rate_card holds those that you fill in in sql/rate_card.csv.
WITH ${include:cohort},
${include:billed_messages}
SELECT
  template_name, currency,
${include:cost_measures}
FROM billed_messages
GROUP BY template_name, currency
ORDER BY billable_messages DESC, template_name NULLS LAST, currency NULLS LAST
