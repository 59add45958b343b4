-- The local days that a query can ask for, one row each: 2009-01-01 to 2036-05-18.
-- Athena binds parameters in WHERE only. A query takes its window as `WHERE day = date(?)`; the day becomes a constant of the plan, and the
-- planner puts it into the conditions on dt (sql/common/README.md, Pruning). Two lists of a hundred numbers: the planner copies and compares
-- a list at every step, and one of ten thousand numbers makes the planning of a query a fifth longer.
-- Column day: a local day.
-- Parameters: ${database}.
CREATE OR REPLACE VIEW ${database}.calendar AS
SELECT CAST(date_add('day', 100 * hundreds.n + ones.n, DATE '2009-01-01') AS date) AS day
FROM UNNEST(sequence(0, 99)) AS hundreds (n)
CROSS JOIN UNNEST(sequence(0, 99)) AS ones (n)
