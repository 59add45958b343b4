-- Question: How long did it take until each ticket was answered, and with which button?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions: docs/metrics.md, part 6.
-- The query covers messages with a ticket_id sent on the local days `from` to `to`, by ticket. response_seconds: seconds from the first message
-- of the ticket to the first attributed click on any message of the ticket; null if negative. messages_left_out: messages of the ticket that were
-- sent outside the window, or from another account or number than the parameters name. If messages_left_out is not 0, ask for more days, or for
-- all accounts and numbers.
WITH ${include:cohort},
${include:attributed_clicks},
clicks AS (
  SELECT
    c.ticket_id, c.button,
    row_number() OVER (PARTITION BY c.ticket_id ORDER BY c.clicked_at, c.click_id) AS position
  FROM attributed_clicks AS c
  WHERE c.ticket_id IS NOT NULL
),
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
reported_messages AS (
  SELECT s.message_id, substr(min(${include:send_precedence} || s.ticket_id), 14) AS ticket_id
  FROM ${database}.sends AS s
  CROSS JOIN report_window AS w
  WHERE s.dt BETWEEN CAST(date_add('day', -w.days_before - 30, date(w.from_date)) AS varchar)
    AND CAST(date_add('day', w.days_after, date(w.to_date)) AS varchar)
  GROUP BY s.message_id
),
reported_tickets AS (
  SELECT ticket_id, count(*) AS messages
  FROM reported_messages
  WHERE ticket_id IS NOT NULL
  GROUP BY ticket_id
)
SELECT
  t.ticket_id, t.messages, t.delivered, t.clicked, t.first_sent_at, t.first_click_at,
  c.button AS first_button,
  CASE WHEN t.first_click_at >= t.first_sent_at THEN date_diff('millisecond', t.first_sent_at, t.first_click_at) END / 1e3
    AS response_seconds,
  greatest(coalesce(r.messages, 0) - t.messages, 0) AS messages_left_out
FROM tickets AS t
LEFT JOIN clicks AS c ON c.ticket_id = t.ticket_id AND c.position = 1
LEFT JOIN reported_tickets AS r ON r.ticket_id = t.ticket_id
ORDER BY t.ticket_id
