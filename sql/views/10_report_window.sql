-- The windows one can ask about: each pair of a first and a last local day, 2015 to 2040.
-- It makes the other views take parameters: whoever says `WHERE from_date = '…' AND to_date = '…'` fixes both columns to constants, the
-- planner puts these constants into the views' conditions on dt, and only the partitions of the window are read.
-- Without these two equalities every window is computed: always give both (views/README.md).
-- Parameters: ${database}.
CREATE OR REPLACE VIEW ${database}.report_window AS
WITH days AS (
  SELECT day
  FROM UNNEST(transform(sequence(0, 9496), n -> CAST(date_add('day', n, DATE '2015-01-01') AS varchar))) AS t (day)
)
SELECT first_day.day AS from_date, last_day.day AS to_date
FROM days AS first_day
CROSS JOIN days AS last_day
