-- The price of a delivered message by calling code and price category, as sql/rate_card.csv lists it.
-- An empty calling code stands for every number that no other row matches. A price counts from the local day valid_from on.
-- Column calling_code: first digits of the phone numbers; empty for all other numbers.
-- Column country: name for reports.
-- Column pricing_category: marketing, utility, authentication, service and so on.
-- Column price: price of one delivered message.
-- Column currency: three capital letters, such as USD.
-- Column valid_from: the local day from which the price counts.
-- Parameters: ${database}; the last setting below stands for the rows of the file.
CREATE OR REPLACE VIEW ${database}.rate_card AS
SELECT
  calling_code,
  country,
  pricing_category,
  CAST(price AS decimal(18, 6)) AS price,
  currency,
  CAST(valid_from AS date) AS valid_from
FROM (
  VALUES
    ${rate_card}
) AS c (calling_code, country, pricing_category, price, currency, valid_from)
WHERE price IS NOT NULL
