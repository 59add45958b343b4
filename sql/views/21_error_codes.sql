-- The class of each of Meta's error codes. The list is open: a code that is missing is of class 'other'.
-- Source: Meta's page of Cloud API error codes; the legacy codes 470 and 1013 still come from relays.
-- Column error_code: Meta's code of the failure.
-- Column error_class: the class in error_classes.
-- Parameters: ${database}.
CREATE OR REPLACE VIEW ${database}.error_codes AS
SELECT CAST(u.error_code AS bigint) AS error_code, c.error_class
FROM (
  VALUES
    ('limited_by_meta', ARRAY[130472, 131049, 131050]),
    ('undeliverable', ARRAY[1013, 131021, 131026, 131062]),
    ('window_closed', ARRAY[470, 131047]),
    ('throttled', ARRAY[4, 80007, 130429, 131048, 131056, 133016]),
    ('template', ARRAY[132000, 132001, 132005, 132007, 132012, 132015, 132016, 132018, 132068, 132069]),
    ('account', ARRAY[0, 3, 10, 190, 368, 130497, 131031, 131042, 131045]),
    ('account', ARRAY[133000, 133004, 133005, 133006, 133008, 133009, 133010, 133015]),
    ('media', ARRAY[131052, 131053]),
    ('request', ARRAY[1, 2, 33, 100, 131000, 131005, 131008, 131009, 131016, 131037, 131051, 131055, 131057, 131060, 131061]),
    ('request', ARRAY[131063, 135000])
) AS c (error_class, error_codes)
CROSS JOIN UNNEST(c.error_codes) AS u (error_code)
UNION ALL
SELECT CAST(n AS bigint), 'account'
FROM UNNEST(sequence(200, 299)) AS permissions (n)
