-- Question: How many lines of the raw objects could not be placed in a table, and why?
-- Parameters: from, to; ${database}
-- Definitions (docs/metrics.md, part 6): lines under rejected/, by the UTC date of the raw object (when it was delivered, whatever the
-- report's time zone) and reason. objects: raw objects that held them. A raw object that is replayed counts once.
WITH asked AS (
  SELECT from_date, to_date
  FROM ${database}.report_window
  WHERE from_date = ? AND to_date = ?
)
SELECT
  r.dt AS delivered_on,
  r.reason,
  CAST(sum(r.line_count) AS bigint) AS line_count,
  count(DISTINCT r.source) AS objects
FROM ${database}.rejections AS r
CROSS JOIN asked AS a
WHERE r.dt BETWEEN a.from_date AND a.to_date
GROUP BY r.dt, r.reason
ORDER BY delivered_on, line_count DESC, r.reason
