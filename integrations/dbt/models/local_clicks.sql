{#- Generated from sql/common by `make integrations`: do not edit. -#}
{{ config(materialized='ephemeral') }}
{% if target.type == 'duckdb' %}
WITH report_window AS (
  SELECT
    first_day.day AS from_date,
    last_day.day AS to_date,
    1 AS days_before,
    1 AS days_after
  FROM {{ source('bluetick', 'calendar') }} AS first_day
  CROSS JOIN {{ source('bluetick', 'calendar') }} AS last_day
  WHERE
    first_day.day = CAST('{{ first_day() }}' AS DATE) AND last_day.day = CAST('{{ last_day() }}' AS DATE)
), click_statements AS (
  SELECT
    c.click_id,
    c.event_ts,
    MIN(c.message_id) AS message_id,
    MIN(c.kind) AS kind,
    MIN(c.provider) AS provider,
    MIN(c.source) AS source,
    MIN(c.account_id) AS account_id,
    MIN(c.phone_number_id) AS phone_number_id,
    MIN(c.wa_id) AS wa_id,
    COALESCE(MIN(c.wa_id), MIN(c.user_id)) AS person,
    MIN(c.button_id) AS button_id,
    MIN(c.button_text) AS button_text,
    MIN(c.description) AS description,
    MIN(c.url) AS url,
    MIN(c.flow_name) AS flow_name,
    MIN(c.group_id) AS group_id,
    MIN(c.tracking_token) AS tracking_token,
    MIN(c.template_name) AS template_name
  FROM {{ source('bluetick', 'clicks') }} AS c
  CROSS JOIN report_window AS w
  WHERE
    c.dt BETWEEN CAST(CAST(CAST(w.from_date AS DATE) + INTERVAL (
      -w.days_before
    ) DAY AS DATE) AS TEXT) AND CAST(CAST(CAST(w.to_date AS DATE) + INTERVAL (
      w.days_after
    ) DAY AS DATE) AS TEXT)
  GROUP BY
    c.click_id,
    c.event_ts
), click_echoes AS (
  SELECT
    *,
    MAX(
      CASE
        WHEN provider = 'interakt'
        AND source IN ('message_api_clicked', 'message_campaign_clicked')
        THEN message_id
      END
    ) OVER (
      PARTITION BY provider, wa_id, LOWER(button_text)
      ORDER BY event_ts
      RANGE BETWEEN INTERVAL '60' SECOND PRECEDING AND INTERVAL '60' SECOND FOLLOWING
    ) AS clicked_message,
    MAX(
      CASE
        WHEN provider = 'interakt'
        AND source IN ('message_api_clicked', 'message_campaign_clicked')
        THEN message_id
      END
    ) OVER (
      PARTITION BY provider, wa_id, LOWER(button_text), message_id
      ORDER BY event_ts
      RANGE BETWEEN INTERVAL '60' SECOND PRECEDING AND INTERVAL '60' SECOND FOLLOWING
    ) AS same_message
  FROM click_statements
), taps AS (
  SELECT
    click_id,
    event_ts,
    message_id,
    kind,
    provider,
    source,
    account_id,
    phone_number_id,
    wa_id,
    person,
    COALESCE(button_id, CASE WHEN kind = 'quick_reply' THEN button_text END) AS button_id,
    button_text,
    description,
    url,
    flow_name,
    group_id,
    tracking_token,
    template_name,
    COALESCE(button_id, CASE WHEN kind = 'flow_reply' THEN flow_name END, button_text, url, flow_name) AS button,
    kind IN ('button_reply', 'list_reply', 'flow_reply', 'quick_reply', 'link_click') AS is_click
  FROM click_echoes
  WHERE
    NOT COALESCE(
      provider = 'interakt'
      AND source = 'message_received'
      AND kind IN ('quick_reply', 'button_reply', 'interactive_reply')
      AND NOT CASE WHEN message_id IS NULL THEN clicked_message ELSE same_message END IS NULL,
      FALSE
    )
), clicks_with_time AS (
  SELECT
    *,
    AT_TIMEZONE(WITH_TIMEZONE(event_ts, 'UTC'), '{{ var("timezone") }}') AS clicked_local
  FROM taps
), local_clicks AS (
  SELECT
    c.*,
    CAST(c.clicked_local AS DATE) AS click_date,
    CAST(ISODOW(c.clicked_local) AS BIGINT) AS weekday,
    CAST(HOUR(c.clicked_local) AS BIGINT) AS hour
  FROM clicks_with_time AS c
  CROSS JOIN report_window AS w
  WHERE
    CAST(c.clicked_local AS DATE) BETWEEN w.from_date AND w.to_date
    AND '{{ var("account_id") }}' IN ('', COALESCE(c.account_id, ''))
    AND '{{ var("phone_number_id") }}' IN ('', COALESCE(c.phone_number_id, ''))
)
SELECT
  *
FROM local_clicks
{% else %}
WITH report_window AS (
  SELECT
    first_day.day AS from_date,
    last_day.day AS to_date,
    1 AS days_before,
    1 AS days_after
  FROM {{ source('bluetick', 'calendar') }} AS first_day
  CROSS JOIN {{ source('bluetick', 'calendar') }} AS last_day
  WHERE first_day.day = date('{{ first_day() }}') AND last_day.day = date('{{ last_day() }}')
),
click_statements AS (
  SELECT
    c.click_id, c.event_ts,
    min(c.message_id) AS message_id,
    min(c.kind) AS kind,
    min(c.provider) AS provider,
    min(c.source) AS source,
    min(c.account_id) AS account_id,
    min(c.phone_number_id) AS phone_number_id,
    min(c.wa_id) AS wa_id,
    coalesce(min(c.wa_id), min(c.user_id)) AS person,
    min(c.button_id) AS button_id,
    min(c.button_text) AS button_text,
    min(c.description) AS description,
    min(c.url) AS url,
    min(c.flow_name) AS flow_name,
    min(c.group_id) AS group_id,
    min(c.tracking_token) AS tracking_token,
    min(c.template_name) AS template_name
  FROM {{ source('bluetick', 'clicks') }} AS c
  CROSS JOIN report_window AS w
  WHERE c.dt BETWEEN CAST(date_add('day', -w.days_before, date(w.from_date)) AS varchar)
    AND CAST(date_add('day', w.days_after, date(w.to_date)) AS varchar)
  GROUP BY c.click_id, c.event_ts
),
click_echoes AS (
  SELECT
    *,
    max(CASE WHEN provider = 'interakt' AND source IN ('message_api_clicked', 'message_campaign_clicked') THEN message_id END) OVER (
      PARTITION BY provider, wa_id, lower(button_text)
      ORDER BY event_ts
      RANGE BETWEEN INTERVAL '60' SECOND PRECEDING AND INTERVAL '60' SECOND FOLLOWING
    ) AS clicked_message,
    max(CASE WHEN provider = 'interakt' AND source IN ('message_api_clicked', 'message_campaign_clicked') THEN message_id END) OVER (
      PARTITION BY provider, wa_id, lower(button_text), message_id
      ORDER BY event_ts
      RANGE BETWEEN INTERVAL '60' SECOND PRECEDING AND INTERVAL '60' SECOND FOLLOWING
    ) AS same_message
  FROM click_statements
),
taps AS (
  SELECT
    click_id, event_ts, message_id, kind, provider, source, account_id, phone_number_id, wa_id, person,
    coalesce(button_id, CASE WHEN kind = 'quick_reply' THEN button_text END) AS button_id,
    button_text, description, url, flow_name, group_id, tracking_token, template_name,
    coalesce(button_id, CASE WHEN kind = 'flow_reply' THEN flow_name END, button_text, url, flow_name) AS button,
    kind IN ('button_reply', 'list_reply', 'flow_reply', 'quick_reply', 'link_click') AS is_click
  FROM click_echoes
  WHERE NOT coalesce(
    provider = 'interakt' AND source = 'message_received' AND kind IN ('quick_reply', 'button_reply', 'interactive_reply')
      AND CASE WHEN message_id IS NULL THEN clicked_message ELSE same_message END IS NOT NULL,
    false
  )
),
clicks_with_time AS (
  SELECT *, at_timezone(with_timezone(event_ts, 'UTC'), '{{ var("timezone") }}') AS clicked_local
  FROM taps
),
local_clicks AS (
  SELECT
    c.*,
    date(c.clicked_local) AS click_date,
    CAST(day_of_week(c.clicked_local) AS bigint) AS weekday,
    CAST(hour(c.clicked_local) AS bigint) AS hour
  FROM clicks_with_time AS c
  CROSS JOIN report_window AS w
  WHERE date(c.clicked_local) BETWEEN w.from_date AND w.to_date
    AND '{{ var("account_id") }}' IN ('', coalesce(c.account_id, ''))
    AND '{{ var("phone_number_id") }}' IN ('', coalesce(c.phone_number_id, ''))
)
SELECT * FROM local_clicks
{% endif %}
