-- The messages that a report counts: sent_messages. `?`: from, to, account_id, phone_number_id.
${include:cohort_window},
${include:taps},
${include:message_facts},
${include:placed_facts},
${include:sent_messages}
