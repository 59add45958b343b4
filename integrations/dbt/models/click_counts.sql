{#- Generated from sql/bluetick_tools by `make integrations`: do not edit. -#}
SELECT
  click_date,
  weekday,
  hour,
  kind,
  button_id,
  button_text,
  account_id,
  phone_number_id,
  provider,
  count(*) AS clicks
FROM {{ ref('local_clicks') }}
WHERE is_click
GROUP BY click_date, weekday, hour, kind, button_id, button_text, account_id, phone_number_id, provider
