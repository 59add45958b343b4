-- Question: How long did it take until each ticket was answered, and with which button?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions (docs/metrics.md, part 6): messages with a ticket_id sent from … to in local days, by ticket.
-- response_seconds: from the first message of the ticket to the first attributed click on any of them; null if negative.
WITH ${include:cohort},
${include:attributed_clicks},
tickets AS (
  SELECT
    m.ticket_id,
    count(*) AS messages,
    count(*) FILTER (WHERE m.is_delivered) AS delivered,
    count(*) FILTER (WHERE m.is_clicked) AS clicked,
    min(m.sent_at) AS first_sent_at,
    min(m.first_click_at) AS first_click_at
  FROM sent_messages AS m
  WHERE m.ticket_id IS NOT NULL
  GROUP BY m.ticket_id
),
clicks AS (
  SELECT
    c.ticket_id, c.button,
    row_number() OVER (PARTITION BY c.ticket_id ORDER BY c.clicked_at, c.click_id) AS position
  FROM attributed_clicks AS c
  WHERE c.ticket_id IS NOT NULL
)
SELECT
  t.ticket_id, t.messages, t.delivered, t.clicked, t.first_sent_at, t.first_click_at,
  c.button AS first_button,
  CASE WHEN t.first_click_at >= t.first_sent_at THEN date_diff('millisecond', t.first_sent_at, t.first_click_at) END / 1e3
    AS response_seconds
FROM tickets AS t
LEFT JOIN clicks AS c ON c.ticket_id = t.ticket_id AND c.position = 1
ORDER BY t.ticket_id
