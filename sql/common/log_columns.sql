-- The columns of the message log, of logged_messages.
  id, message_id, recipient_id, status, message_type, template_name, event_id, registration_id, guest_id, guest_name,
  sent_at, delivered_at, read_at, failed_at, error_code, error_message, error_title
