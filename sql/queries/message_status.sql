-- Question: What is the present state of these messages?
-- Parameters: from, to, account_id, phone_number_id, message_ids; ${database}
-- Definitions: docs/metrics.md, parts 2 and 6.
-- message_ids: ids separated by commas, without spaces. from, to: first and last local day on which the messages were sent; empty for any day.
-- The column status contains the first of these states that applies: deleted, read*, delivered*, failed, sent. Each column `…_at` holds the event
-- time of the earliest status of its kind; sent_at is the earliest time of all rows that say that the message was sent. Statuses of any age count.
WITH ${include:lookup}
SELECT
  message_id, state AS status, sent_at, delivered_at, read_at, failed_at, error_code,
  coalesce(error_title, error_message) AS error,
  error_title, error_message
FROM sent_messages
WHERE contains(split(?, ','), message_id)
ORDER BY message_id
