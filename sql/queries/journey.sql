-- Question: What happened between the business and one person?
-- Parameters: from, to, account_id, phone_number_id, recipient_id; ${database}
-- Definitions: docs/metrics.md, part 6.
-- recipient_id: phone number or user id. The query returns the steps (sent, delivered, read, failed, clicked, replied, deleted) of the messages
-- sent to the person on the local days `from` to `to`, in order of time.
WITH ${include:cohort},
person_messages AS (
  SELECT *
  FROM sent_messages
  WHERE recipient = ?
),
person_steps AS (
  SELECT
    m.*,
    s.step,
    CASE s.step
      WHEN 'sent' THEN m.sent_at
      WHEN 'delivered' THEN m.delivered_at
      WHEN 'read' THEN m.read_at
      WHEN 'failed' THEN m.failed_at
      WHEN 'clicked' THEN m.first_click_at
      WHEN 'replied' THEN m.replied_at
      ELSE m.deleted_at
    END AS happened_at
  FROM person_messages AS m
  CROSS JOIN (VALUES 'sent', 'delivered', 'read', 'failed', 'clicked', 'replied', 'deleted') AS s (step)
)
SELECT happened_at, step, message_id, template_name, campaign_id, state
FROM person_steps
WHERE happened_at IS NOT NULL
ORDER BY happened_at, message_id, step
