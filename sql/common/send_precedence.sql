-- The precedence of a row s of sends, a text of 13 characters. The row with the latest updated_at has the smallest text; a row without updated_at has
-- the largest.
coalesce(
  lpad(CAST(9999999999997 - date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00', s.updated_at) AS varchar), 13, '0'),
  '9999999999998'
)
