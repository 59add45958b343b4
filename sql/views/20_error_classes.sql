-- What to do about each class of failure.
-- Column error_class: name of the class.
-- Column advice: what to do about a failure of the class.
-- Parameters: ${database}.
CREATE OR REPLACE VIEW ${database}.error_classes AS
SELECT error_class, advice
FROM (
  VALUES
    ('limited_by_meta', 'do not resend; the number is good'),
    ('undeliverable', 'check the number or use another channel'),
    ('window_closed', 'send a template'),
    ('throttled', 'slow down and resend'),
    ('template', 'correct the template or its parameters'),
    ('account', 'repair the account or its permissions'),
    ('media', 'correct the media file'),
    ('request', 'correct the request, or resend if Meta was at fault'),
    ('other', 'look the code up'),
    ('unknown', 'ask the provider')
) AS c (error_class, advice)
