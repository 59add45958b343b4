-- The precedence of a row s of sends: the latest correction is the smallest text, a row without updated_at the largest. 13 characters.
coalesce(
  lpad(CAST(9999999999997 - date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00', s.updated_at) AS varchar), 13, '0'),
  '9999999999998'
)
