-- The messages that a look-up finds, in their present state: sent_messages. `?`: from, to, account_id, phone_number_id.
${include:lookup_window},
${include:taps},
${include:message_facts},
${include:lookup_facts},
${include:sent_messages}
