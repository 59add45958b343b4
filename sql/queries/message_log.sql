-- Question: Which messages were sent for an event, a registration, a guest, a number or a template, and what became of them?
-- Parameters: from, to, account_id, phone_number_id, registration_id, event_id, guest_id, recipient_id, template_name, standalone, status; ${database}
-- Definitions: docs/metrics.md, parts 2 and 6.
-- An empty filter is ignored; standalone is true or false. from, to: first and last local day on which the messages were sent; empty for any
-- day. Of the messages that match all filters, the query returns the 50 that were sent last, in their present state. Statuses of any age count.
WITH ${include:lookup},
${include:logged_messages}
SELECT
${include:log_columns}
FROM logged_messages
WHERE ? IN ('', coalesce(registration_id, ''))
  AND ? IN ('', coalesce(event_id, ''))
  AND ? IN ('', coalesce(guest_id, ''))
  AND ? IN ('', coalesce(recipient_id, ''))
  AND ? IN ('', coalesce(template_name, ''))
  AND ? IN ('', CASE WHEN standalone THEN 'true' ELSE 'false' END)
  AND ? IN ('', status)
ORDER BY sent_at DESC NULLS LAST, message_id
LIMIT 50
