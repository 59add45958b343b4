-- Question: What is the present state of these messages?
-- Parameters: from, to, account_id, phone_number_id, message_ids; ${database}
-- Definitions: docs/metrics.md, parts 2 and 6.
-- message_ids: ids separated by commas. from, to: first and last local day on which the messages were sent; empty for any day. The status is the
-- first of these that applies: deleted, read*, delivered*, failed, sent. Each time is that of the earliest report of its kind. Statuses of any
-- age count.
WITH ${include:lookup}
SELECT
  message_id, state AS status, sent_at, delivered_at, read_at, failed_at, error_code,
  coalesce(error_title, error_message) AS error,
  error_title, error_message
FROM sent_messages
WHERE contains(split(?, ','), message_id)
ORDER BY message_id
