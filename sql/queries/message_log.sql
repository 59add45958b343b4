-- Question: Which messages were sent for an event, a registration, a guest, a number or a template, and what became of them?
-- Parameters: from, to, registration_id, event_id, guest_id, recipient_id, template_name, standalone; ${database}
-- An empty filter is none; standalone is true or false. from … to: the local days on which the messages were sent.
-- Definitions (docs/metrics.md, part 2): the 50 that were sent last. status is the furthest state: read*, delivered*, failed or sent.
SELECT
  message_id, wa_id AS recipient_id, state AS status, message_type, template_name, event_id, event_registration_id AS registration_id,
  guest_id, guest_name, sent_at, delivered_at, read_at, failed_at, error_code, error_title
FROM ${database}.lifecycle_by_window
WHERE from_date = ? AND to_date = ?
  AND ? IN ('', coalesce(event_registration_id, ''))
  AND ? IN ('', coalesce(event_id, ''))
  AND ? IN ('', coalesce(guest_id, ''))
  AND ? IN ('', coalesce(wa_id, ''))
  AND ? IN ('', coalesce(template_name, ''))
  AND ? IN ('', CASE WHEN standalone THEN 'true' ELSE 'false' END)
ORDER BY sent_at DESC, message_id
LIMIT 50
