-- Question: What was the last message to a registration, and what became of it?
-- Parameters: from, to, account_id, phone_number_id, registration_id; ${database}
-- from … to: local days in which it was sent; empty for any.
-- Definitions (docs/metrics.md, parts 2 and 6): the first row of message_log for this registration; no row if there is none.
WITH ${include:lookup}
SELECT
  message_id, recipient AS recipient_id, state AS status, message_type, template_name, event_id,
  event_registration_id AS registration_id, guest_id, guest_name, sent_at, delivered_at, read_at, failed_at, error_code,
  coalesce(error_message, error_title) AS error_message,
  error_title
FROM sent_messages
WHERE event_registration_id = ?
ORDER BY sent_at DESC NULLS LAST, message_id
LIMIT 1
