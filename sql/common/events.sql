-- The clicks that happened in the window: local_clicks. `?`: from, to, account_id, phone_number_id.
${include:event_window},
${include:taps},
${include:local_clicks}
