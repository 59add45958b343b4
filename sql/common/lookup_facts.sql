-- placed_facts: every fact of every message in reach; a look-up has no horizon.
placed_facts AS (
  SELECT *, CAST(NULL AS timestamp) AS opened_at, lpad(CAST(date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00', event_ts) AS varchar), 13, '0') AS moment
  FROM message_facts
)
