-- Question: How does the CTR change from day to day?
-- Parameters: from, to, account_id, phone_number_id; ${database}
-- Definitions (docs/metrics.md, part 6): clickable messages sent from … to in local days.
-- ctr = messages clicked / messages delivered*; unique_ctr = persons who clicked / persons reached; total_click_rate = clicks / delivered*.
-- delivered* = delivered, read, played, clicked or answered. Clicks count up to the attribution window after their message was sent.
-- A day is that on which the messages were sent, in local time; clicks count for it even if they came later.
WITH ${include:cohort}
SELECT
  sent_date,
${include:ctr_measures}
FROM sent_messages
WHERE is_clickable
GROUP BY sent_date
ORDER BY sent_date
