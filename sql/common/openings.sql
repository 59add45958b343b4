-- openings_marked: message_facts with the opening of each message (metrics.md, part 2): an origin with no other origin of its id in the
-- 744 hours (31 days) before. Whether an origin is an opening depends only on rows of these 744 hours, not on the window.
origins_marked AS (
  SELECT
    *,
    max(CASE WHEN is_origin THEN event_ts END)
      OVER (PARTITION BY message_id ORDER BY event_ts ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS previous_origin
  FROM message_facts
),
openings_marked AS (
  SELECT
    *,
    CASE WHEN is_origin AND (previous_origin IS NULL OR previous_origin < event_ts - INTERVAL '744' HOUR) THEN event_ts END AS opening
  FROM origins_marked
)
