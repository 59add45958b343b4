-- Question: To whom should a message go again, as a template?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, parts 6 and 7.
-- The query covers messages sent on the local days `from` to `to` that failed because the person had not written in the last 24 hours (error
-- codes 131047 and 470) and were never delivered*. Send them again as a template.
WITH ${include:cohort}
SELECT message_id, recipient, template_name, ticket_id, sent_at, failed_at, error_code, coalesce(error_title, error_message) AS error
FROM sent_messages
WHERE is_failed AND error_code IN (470, 131047)
ORDER BY sent_at, message_id
