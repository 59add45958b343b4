-- taps: one row per click of the dates that report_window reads, whatever its kind and however many sources report it (metrics.md, part 3).
-- Statements with the same click_id and time are one click. Interakt reports a tap on a template's button twice without a common id: as
-- message_api_clicked or message_campaign_clicked, and as message_received. The message_received is left out if one of the other two events
-- reports a click of the same person on the same label within a minute. If the message_received names a message, the other event must name the
-- same message.
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
  FROM ${database}.clicks AS c
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
    -- A quick reply without a payload has its label as payload. Some of Interakt's webhooks leave the payload out.
    coalesce(button_id, CASE WHEN kind = 'quick_reply' THEN button_text END) AS button_id,
    button_text, description, url, flow_name, group_id, tracking_token, template_name,
    -- The label of a flow's answer is only the word Sent in the person's language, so the flow's name is used first.
    coalesce(button_id, CASE WHEN kind = 'flow_reply' THEN flow_name END, button_text, url, flow_name) AS button,
    kind IN ('button_reply', 'list_reply', 'flow_reply', 'quick_reply', 'link_click') AS is_click
  FROM click_echoes
  WHERE NOT coalesce(
    provider = 'interakt' AND source = 'message_received' AND kind IN ('quick_reply', 'button_reply', 'interactive_reply')
      AND CASE WHEN message_id IS NULL THEN clicked_message ELSE same_message END IS NOT NULL,
    false
  )
)
