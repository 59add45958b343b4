-- Question: Which messages were sent for an event, a registration, a guest, a number or a template, and what became of them?
-- Parameters: from, to, account_id, phone_number_id, registration_id, event_id, guest_id, recipient_id, template_name, standalone, status; ${database}
-- An empty filter is ignored; standalone is true or false. from … to: local days on which the messages were sent; empty for any.
-- Definitions (docs/metrics.md, parts 2 and 6): the 50 that were sent last, in their present state. Statuses of any age count.
WITH ${include:lookup}
SELECT
  message_id, recipient AS recipient_id, state AS status, message_type, template_name, event_id,
  event_registration_id AS registration_id, guest_id, guest_name, sent_at, delivered_at, read_at, failed_at, error_code,
  coalesce(error_message, error_title) AS error_message,
  error_title
FROM sent_messages
WHERE ? IN ('', coalesce(event_registration_id, ''))
  AND ? IN ('', coalesce(event_id, ''))
  AND ? IN ('', coalesce(guest_id, ''))
  AND ? IN ('', coalesce(recipient, ''))
  AND ? IN ('', coalesce(template_name, ''))
  AND ? IN ('', CASE WHEN standalone THEN 'true' ELSE 'false' END)
  AND ? IN ('', state)
ORDER BY sent_at DESC NULLS LAST, message_id
LIMIT 50
