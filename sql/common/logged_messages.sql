-- logged_messages: sent_messages with the columns of the message log (metrics.md, part 6). Needs lookup.
-- The id is the map_id in the response of track-send: a UUID of version 8 made from the SHA-256 of two texts, each preceded by its length in bytes
-- as a number of 64 bits.
messages_with_digest AS (
  SELECT
    *,
    lower(to_hex(sha256(
      from_hex('000000000000000d') || to_utf8('bluetick send')
      || from_hex(lpad(to_base(length(to_hex(to_utf8(message_id))) / 2, 16), 16, '0')) || to_utf8(message_id)
    ))) AS digest
  FROM sent_messages
),
logged_messages AS (
  SELECT
    substr(digest, 1, 8) || '-' || substr(digest, 9, 4) || '-8' || substr(digest, 13, 3) || '-8' || substr(digest, 16, 3)
      || '-' || substr(digest, 19, 12) AS id,
    message_id, recipient AS recipient_id, state AS status, message_type, template_name, event_id,
    event_registration_id AS registration_id, guest_id, guest_name, sent_at, delivered_at, read_at, failed_at, error_code,
    coalesce(error_message, error_title) AS error_message,
    error_title, standalone
  FROM messages_with_digest
)
