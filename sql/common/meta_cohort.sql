-- The messages as Meta's own dashboard counts them: sent_messages. `?`: from, to, account_id, phone_number_id.
${include:meta_window},
${include:taps},
${include:message_facts},
${include:placed_facts},
${include:sent_messages}
