-- Question: How far do the messages of each template get, and how fast?
-- Parameters: from, to; ${database}
-- Definitions (docs/metrics.md, part 6): the cohort of messages sent from … to in local days.
-- delivered* = delivered, read, played or clicked; read* = read, played or clicked; failed = failed and not delivered*.
-- replied: a message of the person quotes it within the attribution window. Rates: delivered / sent, the others / delivered.
-- p50 and p90 are nearest ranks, in seconds, of messages for which both steps were reported.
WITH steps AS (
  SELECT
    template_name,
    is_delivered, is_read, is_clicked, is_replied, is_failed,
    date_diff('millisecond', sent_at, delivered_at) AS sent_to_delivered,
    date_diff('millisecond', delivered_at, read_at) AS delivered_to_read,
    date_diff('millisecond', read_at, first_click_at) AS read_to_click,
    date_diff('millisecond', first_click_at, replied_at) AS click_to_reply
  FROM ${database}.lifecycle_by_window
  WHERE from_date = ? AND to_date = ?
)
SELECT
  template_name,
  count(*) AS sent,
  count(*) FILTER (WHERE is_delivered) AS delivered,
  count(*) FILTER (WHERE is_read) AS read,
  count(*) FILTER (WHERE is_clicked) AS clicked,
  count(*) FILTER (WHERE is_replied) AS replied,
  count(*) FILTER (WHERE is_failed) AS failed,
  CAST(count(*) FILTER (WHERE is_delivered) AS double) / count(*) AS delivery_rate,
  CAST(count(*) FILTER (WHERE is_read) AS double) / nullif(count(*) FILTER (WHERE is_delivered), 0) AS read_rate,
  CAST(count(*) FILTER (WHERE is_clicked) AS double) / nullif(count(*) FILTER (WHERE is_delivered), 0) AS click_rate,
  CAST(count(*) FILTER (WHERE is_replied) AS double) / nullif(count(*) FILTER (WHERE is_delivered), 0) AS reply_rate,
  element_at(array_sort(array_agg(sent_to_delivered) FILTER (WHERE sent_to_delivered >= 0)), CAST((count(*) FILTER (WHERE sent_to_delivered >= 0) + 1) / 2 AS integer)) / 1e3 AS sent_to_delivered_p50,
  element_at(array_sort(array_agg(sent_to_delivered) FILTER (WHERE sent_to_delivered >= 0)), CAST((9 * count(*) FILTER (WHERE sent_to_delivered >= 0) + 9) / 10 AS integer)) / 1e3 AS sent_to_delivered_p90,
  element_at(array_sort(array_agg(delivered_to_read) FILTER (WHERE delivered_to_read >= 0)), CAST((count(*) FILTER (WHERE delivered_to_read >= 0) + 1) / 2 AS integer)) / 1e3 AS delivered_to_read_p50,
  element_at(array_sort(array_agg(delivered_to_read) FILTER (WHERE delivered_to_read >= 0)), CAST((9 * count(*) FILTER (WHERE delivered_to_read >= 0) + 9) / 10 AS integer)) / 1e3 AS delivered_to_read_p90,
  element_at(array_sort(array_agg(read_to_click) FILTER (WHERE read_to_click >= 0)), CAST((count(*) FILTER (WHERE read_to_click >= 0) + 1) / 2 AS integer)) / 1e3 AS read_to_click_p50,
  element_at(array_sort(array_agg(read_to_click) FILTER (WHERE read_to_click >= 0)), CAST((9 * count(*) FILTER (WHERE read_to_click >= 0) + 9) / 10 AS integer)) / 1e3 AS read_to_click_p90,
  element_at(array_sort(array_agg(click_to_reply) FILTER (WHERE click_to_reply >= 0)), CAST((count(*) FILTER (WHERE click_to_reply >= 0) + 1) / 2 AS integer)) / 1e3 AS click_to_reply_p50,
  element_at(array_sort(array_agg(click_to_reply) FILTER (WHERE click_to_reply >= 0)), CAST((9 * count(*) FILTER (WHERE click_to_reply >= 0) + 9) / 10 AS integer)) / 1e3 AS click_to_reply_p90
FROM steps
GROUP BY template_name
ORDER BY sent DESC, template_name NULLS LAST
