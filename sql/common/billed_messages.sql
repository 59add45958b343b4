-- billed_messages: the messages of sent_messages that Meta charges for, each with its price from rate_card (metrics.md, part 6). price, currency
-- and country are null where no row of rate_card matches. Of several rows that match, the longest calling code counts, then the latest valid_from.
rated_messages AS (
  SELECT
    m.message_id, m.template_name, m.campaign_id, m.campaign_name, m.pricing_category, m.is_clicked, m.clicks,
    c.country, c.currency, c.price,
    row_number() OVER (
      PARTITION BY m.message_id, m.sent_at ORDER BY length(c.calling_code) DESC NULLS LAST, c.valid_from DESC NULLS LAST
    ) AS position
  FROM sent_messages AS m
  LEFT JOIN ${database}.rate_card AS c
    ON c.pricing_category = m.pricing_category AND starts_with(m.wa_id, c.calling_code) AND c.valid_from <= m.sent_date
  WHERE m.billable AND m.is_delivered
),
billed_messages AS (
  SELECT * FROM rated_messages WHERE position = 1
)
