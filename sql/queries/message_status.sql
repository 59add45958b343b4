-- Question: What became of these messages?
-- Parameters: from, to, message_ids; ${database}
-- message_ids: ids separated by commas; from … to: the local days on which they were sent.
-- Definitions (docs/metrics.md, part 2): status is the furthest state: read*, delivered*, failed or sent. Times are the earliest of their kind.
SELECT
  message_id, state AS status, sent_at, delivered_at, read_at, failed_at, error_code, error_title
FROM ${database}.lifecycle_by_window
WHERE from_date = ? AND to_date = ? AND contains(split(?, ','), message_id)
ORDER BY message_id
