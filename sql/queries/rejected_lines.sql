-- Question: How many lines of the raw objects could not be placed in a table, and why?
-- Parameters: from, to; ${database}
-- Definitions: docs/metrics.md, part 6.
-- The query covers rejected lines, by reason and by the UTC date on which their raw object was delivered. The parameter timezone has no effect.
-- objects: number of raw objects that contained the lines. A raw object that is replayed counts once.
WITH ${include:event_window}
SELECT
  r.dt AS delivered_on,
  r.reason,
  CAST(sum(r.line_count) AS bigint) AS line_count,
  count(DISTINCT r.source) AS objects
FROM ${database}.rejections AS r
CROSS JOIN report_window AS a
WHERE r.dt BETWEEN CAST(a.from_date AS varchar) AND CAST(a.to_date AS varchar)
GROUP BY r.dt, r.reason
ORDER BY delivered_on, line_count DESC, r.reason
