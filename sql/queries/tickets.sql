-- Question: Which lift (elevator) does each ticket's message concern, who answered it, with which button, and how fast?
-- Parameters: from, to, account_id, phone_number_id; ${database}, ${attribution_hours}
-- Definitions: docs/metrics.md, part 6.
-- The query returns one row per message with a ticket_id sent on the local days `from` to `to`. A ticket with several messages has several rows;
-- response_times has one row per ticket. status: responded if the message was clicked, else expired if it was deleted, failed or sent more than
-- ${attribution_hours} h (attribution_hours) ago, else sent. lift and floor are the attributes lift_id and floor of track-send.
WITH ${include:cohort},
${include:attributed_clicks},
first_clicks AS (
  SELECT
    message_id, sent_at, clicked_at, person, button, button_text,
    row_number() OVER (PARTITION BY message_id, sent_at ORDER BY clicked_at, click_id) AS position
  FROM attributed_clicks
  WHERE ticket_id IS NOT NULL
)
SELECT
  m.ticket_id, m.message_id,
  coalesce(c.person, m.recipient) AS contact,
  element_at(m.attributes, 'lift_id') AS lift,
  element_at(m.attributes, 'floor') AS floor,
  m.template_name, m.state, m.sent_at, m.delivered_at, m.read_at,
  c.clicked_at AS responded_at,
  c.button, c.button_text,
  CASE WHEN c.clicked_at >= m.sent_at THEN date_diff('millisecond', m.sent_at, c.clicked_at) END / 1e3 AS response_seconds,
  CASE
    WHEN c.clicked_at IS NOT NULL THEN 'responded'
    WHEN m.is_deleted OR m.is_failed OR m.sent_at + INTERVAL '${attribution_hours}' HOUR < CAST(at_timezone(current_timestamp, 'UTC') AS timestamp) THEN 'expired'
    ELSE 'sent'
  END AS status
FROM sent_messages AS m
LEFT JOIN first_clicks AS c ON c.message_id = m.message_id AND c.sent_at = m.sent_at AND c.position = 1
WHERE m.ticket_id IS NOT NULL
ORDER BY m.ticket_id, m.sent_at, m.message_id
