-- Question: What was the last message to a registration, and what became of it?
-- Parameters: from, to, registration_id; ${database}
-- from … to: the local days in which it was sent.
-- Definitions (docs/metrics.md, part 2): status is the furthest state: read*, delivered*, failed or sent.
SELECT
  message_id, wa_id AS recipient_id, state AS status, message_type, template_name, event_id, event_registration_id AS registration_id,
  guest_id, guest_name, sent_at, delivered_at, read_at, failed_at, error_code, error_title
FROM ${database}.lifecycle_by_window
WHERE from_date = ? AND to_date = ? AND event_registration_id = ?
ORDER BY sent_at DESC, message_id
LIMIT 1
