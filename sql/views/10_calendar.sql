-- The local days that a query can ask for, one row each: 2009-01-01 to 2036-05-18.
-- Athena binds parameters in WHERE only. A query takes its window as `WHERE day = date(?)`; the day becomes a constant of the plan, and the
-- planner puts it into the conditions on dt (sql/README.md, Pruning).
-- Column day: a local day.
-- Parameters: ${database}.
CREATE OR REPLACE VIEW ${database}.calendar AS
SELECT CAST(date_add('day', n, DATE '2009-01-01') AS date) AS day
FROM UNNEST(sequence(0, 9999)) AS t (n)
