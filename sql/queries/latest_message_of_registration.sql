-- Question: What was the last message to a registration, and what became of it?
-- Parameters: from, to, account_id, phone_number_id, registration_id; ${database}
-- Definitions: docs/metrics.md, parts 2 and 6.
-- from, to: first and last local day on which the message was sent; empty for any day. The query returns the first row of message_log for this
-- registration. There is no row if the registration has no message.
WITH ${include:lookup},
${include:logged_messages}
SELECT
${include:log_columns}
FROM logged_messages
WHERE registration_id = ?
ORDER BY sent_at DESC NULLS LAST, message_id
LIMIT 1
