{#- Generated from sql/common by `make integrations`: do not edit. -#}
{{ config(materialized='ephemeral') }}
{% if target.type == 'duckdb' %}
WITH report_window AS (
  SELECT
    first_day.day AS from_date,
    last_day.day AS to_date,
    2 AS days_before,
    1 + (
      CASE
        WHEN 168 IS NULL OR {{ var("attribution_hours") | int }} IS NULL
        THEN NULL
        ELSE GREATEST(168, {{ var("attribution_hours") | int }})
      END + 23
    ) / 24 AS days_after,
    168 AS status_hours,
    {{ var("attribution_hours") | int }} AS click_hours,
    '{{ var("timezone") }}' AS timezone
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
), message_facts AS (
  SELECT
    s.message_id,
    s.event_ts,
    'status' AS fact,
    s.status,
    s.status IN ('accepted', 'pending', 'queued', 'enqueued', 'submitted', 'sent', 'failed') AS is_origin,
    '9999999999999' AS precedence,
    s.provider,
    s.account_id,
    s.phone_number_id,
    s.group_id,
    s.wa_id,
    s.user_id,
    s.error_code,
    s.error_title,
    s.error_message,
    s.template_name,
    s.campaign_id,
    s.campaign_name,
    s.callback_data,
    s.pricing_category,
    s.pricing_type,
    s.billable,
    CAST(NULL AS TEXT) AS message_type,
    CAST(NULL AS TEXT) AS flow_type,
    CAST(NULL AS BOOLEAN) AS standalone,
    CAST(NULL AS TEXT) AS event_id,
    CAST(NULL AS TEXT) AS event_registration_id,
    CAST(NULL AS TEXT) AS guest_id,
    CAST(NULL AS TEXT) AS guest_name,
    CAST(NULL AS TEXT) AS ticket_id,
    s.buttons,
    CAST(NULL AS TEXT) AS template_language,
    CAST(NULL AS MAP(TEXT, TEXT)) AS attributes
  FROM {{ source('bluetick', 'statuses') }} AS s
  CROSS JOIN report_window AS w
  WHERE
    s.dt BETWEEN CAST(CAST(CAST(w.from_date AS DATE) + INTERVAL (
      -w.days_before
    ) DAY AS DATE) AS TEXT) AND CAST(CAST(CAST(w.to_date AS DATE) + INTERVAL (
      w.days_after
    ) DAY AS DATE) AS TEXT)
    AND NOT STARTS_WITH(s.status, 'payment_')
  UNION ALL
  SELECT
    s.message_id,
    s.event_ts,
    'send',
    NULL,
    TRUE,
    COALESCE(
      LPAD(
        CAST(9999999999997 - DATE_DIFF('MILLISECOND', CAST('1970-01-01 00:00:00' AS TIMESTAMP(0)), s.updated_at) AS TEXT),
        13,
        '0'
      ),
      '9999999999998'
    ),
    s.provider,
    s.account_id,
    s.phone_number_id,
    NULL,
    s.wa_id,
    s.user_id,
    NULL,
    NULL,
    NULL,
    s.template_name,
    s.campaign_id,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    s.message_type,
    s.flow_type,
    s.standalone,
    s.event_id,
    s.event_registration_id,
    s.guest_id,
    s.guest_name,
    s.ticket_id,
    s.buttons,
    s.template_language,
    s.attributes
  FROM {{ source('bluetick', 'sends') }} AS s
  CROSS JOIN report_window AS w
  WHERE
    s.dt BETWEEN CAST(CAST(CAST(w.from_date AS DATE) + INTERVAL (
      -w.days_before
    ) DAY AS DATE) AS TEXT) AND CAST(CAST(CAST(w.to_date AS DATE) + INTERVAL (
      w.days_after
    ) DAY AS DATE) AS TEXT)
  UNION ALL
  SELECT
    message_id,
    event_ts,
    'click',
    NULL,
    FALSE,
    '9999999999999',
    provider,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL
  FROM taps
  WHERE
    is_click AND NOT message_id IS NULL
  UNION ALL
  SELECT
    r.context_message_id,
    r.event_ts,
    'reply',
    NULL,
    FALSE,
    '9999999999999',
    r.provider,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL
  FROM {{ source('bluetick', 'messages') }} AS r
  CROSS JOIN report_window AS w
  WHERE
    r.dt BETWEEN CAST(CAST(CAST(w.from_date AS DATE) + INTERVAL (
      -w.days_before
    ) DAY AS DATE) AS TEXT) AND CAST(CAST(CAST(w.to_date AS DATE) + INTERVAL (
      w.days_after
    ) DAY AS DATE) AS TEXT)
    AND NOT r.context_message_id IS NULL
    AND COALESCE(r.type, 'unknown') <> 'reaction'
  UNION ALL
  SELECT
    o.message_id,
    o.event_ts,
    'earlier origin',
    NULL,
    TRUE,
    '9999999999999',
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL
  FROM (
    SELECT
      message_id,
      event_ts,
      dt
    FROM {{ source('bluetick', 'statuses') }}
    WHERE
      status IN ('accepted', 'pending', 'queued', 'enqueued', 'submitted', 'sent', 'failed')
    UNION ALL
    SELECT
      message_id,
      event_ts,
      dt
    FROM {{ source('bluetick', 'sends') }}
  ) AS o
  CROSS JOIN report_window AS w
  WHERE
    o.dt BETWEEN CAST(CAST(CAST(w.from_date AS DATE) + INTERVAL (
      -w.days_before - 30
    ) DAY AS DATE) AS TEXT) AND CAST(CAST(CAST(w.from_date AS DATE) + INTERVAL (
      -w.days_before - 1
    ) DAY AS DATE) AS TEXT)
), origins_marked AS (
  SELECT
    *,
    MAX(CASE WHEN is_origin THEN event_ts END) OVER (
      PARTITION BY message_id
      ORDER BY event_ts
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS previous_origin
  FROM message_facts
), openings_marked AS (
  SELECT
    *,
    CASE
      WHEN is_origin
      AND (
        previous_origin IS NULL OR previous_origin < event_ts - INTERVAL '744' HOUR
      )
      THEN event_ts
    END AS opening
  FROM origins_marked
), facts_between_openings AS (
  SELECT
    *,
    MAX(opening) OVER (PARTITION BY message_id ORDER BY event_ts) AS last_opening,
    MIN(opening) OVER (
      PARTITION BY message_id
      ORDER BY event_ts
      ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
    ) AS next_opening
  FROM openings_marked
), facts_of_openings AS (
  SELECT
    *,
    CASE
      WHEN last_opening IS NULL OR next_opening <= event_ts + INTERVAL '24' HOUR
      THEN next_opening
      ELSE last_opening
    END AS opened_at
  FROM facts_between_openings
), placed_facts AS (
  SELECT
    f.*,
    LPAD(
      CAST(DATE_DIFF('MILLISECOND', CAST('1970-01-01 00:00:00' AS TIMESTAMP(0)), f.event_ts) AS TEXT),
      13,
      '0'
    ) AS moment
  FROM facts_of_openings AS f
  CROSS JOIN report_window AS w
  WHERE
    CAST(AT_TIMEZONE(WITH_TIMEZONE(f.opened_at, 'UTC'), w.timezone) AS DATE) BETWEEN w.from_date AND w.to_date
    AND DATE_DIFF('MILLISECOND', f.opened_at, f.event_ts) BETWEEN -86400000 AND CASE WHEN f.fact IN ('click', 'reply') THEN w.click_hours ELSE w.status_hours END * CAST('3600000' AS BIGINT)
), message_rows AS (
  SELECT
    message_id,
    opened_at,
    MIN(event_ts) FILTER(WHERE
      is_origin) AS sent_at,
    MIN(event_ts) FILTER(WHERE
      status = 'delivered') AS delivered_at,
    MIN(event_ts) FILTER(WHERE
      status IN ('read', 'played')) AS read_at,
    MIN(event_ts) FILTER(WHERE
      status = 'played') AS played_at,
    MIN(event_ts) FILTER(WHERE
      status = 'failed') AS failed_at,
    MIN(event_ts) FILTER(WHERE
      status = 'deleted') AS deleted_at,
    MIN(event_ts) FILTER(WHERE
      fact = 'click') AS first_click_at,
    MIN(event_ts) FILTER(WHERE
      fact = 'reply') AS replied_at,
    COUNT(*) FILTER(WHERE
      fact = 'click') AS clicks,
    ARG_MIN_NULL(error_code, moment || CAST(error_code AS TEXT)) FILTER(WHERE
      status = 'failed' AND NOT error_code IS NULL) AS error_code,
    SUBSTRING(MIN(CASE WHEN status = 'failed' THEN moment || error_title END), 14) AS error_title,
    SUBSTRING(MIN(CASE WHEN status = 'failed' THEN moment || error_message END), 14) AS error_message,
    COALESCE(MIN(provider) FILTER(WHERE
      fact = 'status' AND provider <> 'tracker'), 'tracker') AS provider,
    MIN(account_id) AS account_id,
    MIN(phone_number_id) AS phone_number_id,
    MIN(group_id) AS group_id,
    CASE WHEN MIN(group_id) IS NULL THEN MIN(wa_id) END AS wa_id,
    CASE WHEN MIN(group_id) IS NULL THEN COALESCE(MIN(wa_id), MIN(user_id)) END AS recipient,
    SUBSTRING(MIN(precedence || template_name), 14) AS template_name,
    COALESCE(SUBSTRING(MIN(precedence || campaign_id), 14), MIN(callback_data)) AS campaign_id,
    MIN(campaign_name) AS campaign_name,
    MIN(pricing_category) AS pricing_category,
    MIN(pricing_type) AS pricing_type,
    BOOL_OR(CAST(billable AS BOOLEAN)) AS billable,
    COALESCE(
      SUBSTRING(MIN(precedence || message_type), 14),
      CASE WHEN COUNT(standalone) > 0 THEN 'template' END
    ) AS message_type,
    COALESCE(
      SUBSTRING(MIN(precedence || flow_type), 14),
      CASE WHEN COUNT(standalone) > 0 THEN 'standalone' END
    ) AS flow_type,
    SUBSTRING(
      MIN(precedence || CASE WHEN standalone THEN 'b' WHEN NOT standalone THEN 'a' END),
      14
    ) = 'b' AS standalone,
    SUBSTRING(MIN(precedence || event_id), 14) AS event_id,
    SUBSTRING(MIN(precedence || event_registration_id), 14) AS event_registration_id,
    SUBSTRING(MIN(precedence || guest_id), 14) AS guest_id,
    SUBSTRING(MIN(precedence || guest_name), 14) AS guest_name,
    SUBSTRING(MIN(precedence || ticket_id), 14) AS ticket_id,
    ARG_MIN_NULL(buttons, precedence || ARRAY_TO_STRING(buttons, ',')) FILTER(WHERE
      NOT buttons IS NULL) AS buttons,
    SUBSTRING(MIN(precedence || template_language), 14) AS template_language,
    ARG_MIN_NULL(
      attributes,
      precedence || ARRAY_TO_STRING(MAP_KEYS(attributes), ',') || ARRAY_TO_STRING(MAP_VALUES(attributes), ',')
    ) FILTER(WHERE
      NOT attributes IS NULL) AS attributes
  FROM placed_facts
  GROUP BY
    message_id,
    opened_at
  HAVING
    COUNT(*) FILTER(WHERE
      fact IN ('send', 'status', 'earlier origin')) > 0
), dated_messages AS (
  SELECT
    m.*,
    AT_TIMEZONE(WITH_TIMEZONE(m.sent_at, 'UTC'), w.timezone) AS sent_local,
    NOT m.delivered_at IS NULL
    OR NOT m.read_at IS NULL
    OR NOT m.first_click_at IS NULL
    OR NOT m.replied_at IS NULL AS is_delivered,
    NOT m.read_at IS NULL OR NOT m.first_click_at IS NULL OR NOT m.replied_at IS NULL AS is_read,
    w.from_date,
    w.to_date
  FROM message_rows AS m
  CROSS JOIN report_window AS w
), sent_messages AS (
  SELECT
    message_id,
    sent_at,
    CAST(sent_local AS DATE) AS sent_date,
    CAST(ISODOW(sent_local) AS BIGINT) AS sent_weekday,
    CAST(HOUR(sent_local) AS BIGINT) AS sent_hour,
    delivered_at,
    read_at,
    played_at,
    failed_at,
    deleted_at,
    first_click_at,
    replied_at,
    clicks,
    error_code,
    error_title,
    error_message,
    provider,
    account_id,
    phone_number_id,
    group_id,
    wa_id,
    recipient,
    template_name,
    campaign_id,
    campaign_name,
    pricing_category,
    pricing_type,
    billable,
    message_type,
    flow_type,
    standalone,
    event_id,
    event_registration_id,
    guest_id,
    guest_name,
    ticket_id,
    buttons,
    template_language,
    attributes,
    is_delivered,
    is_read,
    NOT first_click_at IS NULL AS is_clicked,
    NOT replied_at IS NULL AS is_replied,
    NOT failed_at IS NULL AND NOT is_delivered AS is_failed,
    NOT deleted_at IS NULL AS is_deleted,
    CASE
      WHEN NOT deleted_at IS NULL
      THEN 'deleted'
      WHEN is_read
      THEN 'read'
      WHEN is_delivered
      THEN 'delivered'
      WHEN NOT failed_at IS NULL
      THEN 'failed'
      ELSE 'sent'
    END AS state,
    buttons IS NULL OR ARRAY_LENGTH(buttons) > 0 AS is_clickable
  FROM dated_messages
  WHERE
    COALESCE(
      CAST(sent_local AS DATE) BETWEEN from_date AND to_date,
      from_date = CAST('{{ var("earliest_day") }}' AS DATE)
    )
    AND '{{ var("account_id") }}' IN ('', COALESCE(account_id, ''))
    AND '{{ var("phone_number_id") }}' IN ('', COALESCE(phone_number_id, ''))
)
SELECT
  *
FROM sent_messages
{% else %}
WITH report_window AS (
  SELECT
    first_day.day AS from_date,
    last_day.day AS to_date,
    2 AS days_before,
    1 + (greatest(168, {{ var("attribution_hours") | int }}) + 23) / 24 AS days_after,
    168 AS status_hours,
    {{ var("attribution_hours") | int }} AS click_hours,
    '{{ var("timezone") }}' AS timezone
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
message_facts AS (
  SELECT
    s.message_id, s.event_ts, 'status' AS fact, s.status,
    s.status IN ('accepted', 'pending', 'queued', 'enqueued', 'submitted', 'sent', 'failed') AS is_origin,
    '9999999999999' AS precedence,
    s.provider, s.account_id, s.phone_number_id, s.group_id, s.wa_id, s.user_id,
    s.error_code, s.error_title, s.error_message,
    s.template_name, s.campaign_id, s.campaign_name, s.callback_data, s.pricing_category, s.pricing_type, s.billable,
    CAST(NULL AS varchar) AS message_type, CAST(NULL AS varchar) AS flow_type, CAST(NULL AS boolean) AS standalone,
    CAST(NULL AS varchar) AS event_id, CAST(NULL AS varchar) AS event_registration_id, CAST(NULL AS varchar) AS guest_id,
    CAST(NULL AS varchar) AS guest_name, CAST(NULL AS varchar) AS ticket_id, s.buttons,
    CAST(NULL AS varchar) AS template_language, CAST(NULL AS map(varchar, varchar)) AS attributes
  FROM {{ source('bluetick', 'statuses') }} AS s
  CROSS JOIN report_window AS w
  WHERE s.dt BETWEEN CAST(date_add('day', -w.days_before, date(w.from_date)) AS varchar)
    AND CAST(date_add('day', w.days_after, date(w.to_date)) AS varchar) AND NOT starts_with(s.status, 'payment_')
  UNION ALL
  SELECT
    s.message_id, s.event_ts, 'send', NULL, true,
    coalesce(
  lpad(CAST(9999999999997 - date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00', s.updated_at) AS varchar), 13, '0'),
  '9999999999998'
),
    s.provider, s.account_id, s.phone_number_id, NULL, s.wa_id, s.user_id,
    NULL, NULL, NULL,
    s.template_name, s.campaign_id, NULL, NULL, NULL, NULL, NULL,
    s.message_type, s.flow_type, s.standalone, s.event_id, s.event_registration_id, s.guest_id, s.guest_name, s.ticket_id, s.buttons,
    s.template_language, s.attributes
  FROM {{ source('bluetick', 'sends') }} AS s
  CROSS JOIN report_window AS w
  WHERE s.dt BETWEEN CAST(date_add('day', -w.days_before, date(w.from_date)) AS varchar)
    AND CAST(date_add('day', w.days_after, date(w.to_date)) AS varchar)
  UNION ALL
  SELECT
    message_id, event_ts, 'click', NULL, false, '9999999999999',
    provider, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM taps
  WHERE is_click AND message_id IS NOT NULL
  UNION ALL
  SELECT
    r.context_message_id, r.event_ts, 'reply', NULL, false, '9999999999999',
    r.provider, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM {{ source('bluetick', 'messages') }} AS r
  CROSS JOIN report_window AS w
  WHERE r.dt BETWEEN CAST(date_add('day', -w.days_before, date(w.from_date)) AS varchar)
    AND CAST(date_add('day', w.days_after, date(w.to_date)) AS varchar)
    AND r.context_message_id IS NOT NULL AND coalesce(r.type, 'unknown') <> 'reaction'
  UNION ALL
  SELECT
    o.message_id, o.event_ts, 'earlier origin', NULL, true, '9999999999999',
    NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM (
    SELECT message_id, event_ts, dt
    FROM {{ source('bluetick', 'statuses') }}
    WHERE status IN ('accepted', 'pending', 'queued', 'enqueued', 'submitted', 'sent', 'failed')
    UNION ALL
    SELECT message_id, event_ts, dt
    FROM {{ source('bluetick', 'sends') }}
  ) AS o
  CROSS JOIN report_window AS w
  WHERE o.dt BETWEEN CAST(date_add('day', -w.days_before - 30, date(w.from_date)) AS varchar)
    AND CAST(date_add('day', -w.days_before - 1, date(w.from_date)) AS varchar)
),
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
),
facts_between_openings AS (
  SELECT
    *,
    max(opening) OVER (PARTITION BY message_id ORDER BY event_ts) AS last_opening,
    min(opening) OVER (PARTITION BY message_id ORDER BY event_ts ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS next_opening
  FROM openings_marked
),
facts_of_openings AS (
  SELECT
    *,
    CASE WHEN last_opening IS NULL OR next_opening <= event_ts + INTERVAL '24' HOUR THEN next_opening ELSE last_opening END AS opened_at
  FROM facts_between_openings
),
placed_facts AS (
  SELECT f.*, lpad(CAST(date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00', f.event_ts) AS varchar), 13, '0') AS moment
  FROM facts_of_openings AS f
  CROSS JOIN report_window AS w
  WHERE date(at_timezone(with_timezone(f.opened_at, 'UTC'), w.timezone)) BETWEEN w.from_date AND w.to_date
    AND date_diff('millisecond', f.opened_at, f.event_ts) BETWEEN -86400000
      AND CASE WHEN f.fact IN ('click', 'reply') THEN w.click_hours ELSE w.status_hours END * BIGINT '3600000'
),
message_rows AS (
  SELECT
    message_id, opened_at,
    min(event_ts) FILTER (WHERE is_origin) AS sent_at,
    min(event_ts) FILTER (WHERE status = 'delivered') AS delivered_at,
    min(event_ts) FILTER (WHERE status IN ('read', 'played')) AS read_at,
    min(event_ts) FILTER (WHERE status = 'played') AS played_at,
    min(event_ts) FILTER (WHERE status = 'failed') AS failed_at,
    min(event_ts) FILTER (WHERE status = 'deleted') AS deleted_at,
    min(event_ts) FILTER (WHERE fact = 'click') AS first_click_at,
    min(event_ts) FILTER (WHERE fact = 'reply') AS replied_at,
    count(*) FILTER (WHERE fact = 'click') AS clicks,
    min_by(error_code, moment || CAST(error_code AS varchar)) FILTER (WHERE status = 'failed' AND error_code IS NOT NULL) AS error_code,
    substr(min(CASE WHEN status = 'failed' THEN moment || error_title END), 14) AS error_title,
    substr(min(CASE WHEN status = 'failed' THEN moment || error_message END), 14) AS error_message,
    coalesce(min(provider) FILTER (WHERE fact = 'status' AND provider <> 'tracker'), 'tracker') AS provider,
    min(account_id) AS account_id,
    min(phone_number_id) AS phone_number_id,
    min(group_id) AS group_id,
    CASE WHEN min(group_id) IS NULL THEN min(wa_id) END AS wa_id,
    CASE WHEN min(group_id) IS NULL THEN coalesce(min(wa_id), min(user_id)) END AS recipient,
    substr(min(precedence || template_name), 14) AS template_name,
    coalesce(substr(min(precedence || campaign_id), 14), min(callback_data)) AS campaign_id,
    min(campaign_name) AS campaign_name,
    min(pricing_category) AS pricing_category,
    min(pricing_type) AS pricing_type,
    bool_or(billable) AS billable,
    coalesce(substr(min(precedence || message_type), 14), CASE WHEN count(standalone) > 0 THEN 'template' END) AS message_type,
    coalesce(substr(min(precedence || flow_type), 14), CASE WHEN count(standalone) > 0 THEN 'standalone' END) AS flow_type,
    substr(min(precedence || CASE WHEN standalone THEN 'b' WHEN NOT standalone THEN 'a' END), 14) = 'b' AS standalone,
    substr(min(precedence || event_id), 14) AS event_id,
    substr(min(precedence || event_registration_id), 14) AS event_registration_id,
    substr(min(precedence || guest_id), 14) AS guest_id,
    substr(min(precedence || guest_name), 14) AS guest_name,
    substr(min(precedence || ticket_id), 14) AS ticket_id,
    min_by(buttons, precedence || array_join(buttons, ',')) FILTER (WHERE buttons IS NOT NULL) AS buttons,
    substr(min(precedence || template_language), 14) AS template_language,
    min_by(attributes, precedence || array_join(map_keys(attributes), ',') || array_join(map_values(attributes), ','))
      FILTER (WHERE attributes IS NOT NULL) AS attributes
  FROM placed_facts
  GROUP BY message_id, opened_at
  HAVING count(*) FILTER (WHERE fact IN ('send', 'status', 'earlier origin')) > 0
),
dated_messages AS (
  SELECT
    m.*,
    at_timezone(with_timezone(m.sent_at, 'UTC'), w.timezone) AS sent_local,
    m.delivered_at IS NOT NULL OR m.read_at IS NOT NULL OR m.first_click_at IS NOT NULL OR m.replied_at IS NOT NULL AS is_delivered,
    m.read_at IS NOT NULL OR m.first_click_at IS NOT NULL OR m.replied_at IS NOT NULL AS is_read,
    w.from_date, w.to_date
  FROM message_rows AS m
  CROSS JOIN report_window AS w
),
sent_messages AS (
  SELECT
    message_id, sent_at,
    date(sent_local) AS sent_date,
    CAST(day_of_week(sent_local) AS bigint) AS sent_weekday,
    CAST(hour(sent_local) AS bigint) AS sent_hour,
    delivered_at, read_at, played_at, failed_at, deleted_at, first_click_at, replied_at, clicks,
    error_code, error_title, error_message,
    provider, account_id, phone_number_id, group_id, wa_id, recipient, template_name, campaign_id, campaign_name,
    pricing_category, pricing_type, billable,
    message_type, flow_type, standalone, event_id, event_registration_id, guest_id, guest_name, ticket_id, buttons,
    template_language, attributes,
    is_delivered, is_read,
    first_click_at IS NOT NULL AS is_clicked,
    replied_at IS NOT NULL AS is_replied,
    failed_at IS NOT NULL AND NOT is_delivered AS is_failed,
    deleted_at IS NOT NULL AS is_deleted,
    CASE
      WHEN deleted_at IS NOT NULL THEN 'deleted'
      WHEN is_read THEN 'read'
      WHEN is_delivered THEN 'delivered'
      WHEN failed_at IS NOT NULL THEN 'failed'
      ELSE 'sent'
    END AS state,
    buttons IS NULL OR cardinality(buttons) > 0 AS is_clickable
  FROM dated_messages
  WHERE coalesce(date(sent_local) BETWEEN from_date AND to_date, from_date = DATE '{{ var("earliest_day") }}')
    AND '{{ var("account_id") }}' IN ('', coalesce(account_id, ''))
    AND '{{ var("phone_number_id") }}' IN ('', coalesce(phone_number_id, ''))
)
SELECT * FROM sent_messages
{% endif %}
