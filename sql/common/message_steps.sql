-- message_steps: the messages of sent_messages with the milliseconds from each step to the next, null where negative.
message_steps AS (
  SELECT
    *,
    CASE WHEN delivered_at >= sent_at THEN date_diff('millisecond', sent_at, delivered_at) END AS sent_to_delivered,
    CASE WHEN read_at >= delivered_at THEN date_diff('millisecond', delivered_at, read_at) END AS delivered_to_read,
    CASE WHEN first_click_at >= read_at THEN date_diff('millisecond', read_at, first_click_at) END AS read_to_click,
    CASE WHEN replied_at >= first_click_at THEN date_diff('millisecond', first_click_at, replied_at) END AS click_to_reply
  FROM sent_messages
)
