-- Generated from crates/schema by `make generate`: do not edit.
-- One row per report of a click of a person: reply button, list row, flow, quick reply of a template, link.
-- Parameters: ${database}, ${lake} (URL of the lake, without a slash at the end), ${first_day} (first date of the
-- projection, as in 2024-01-01).
CREATE EXTERNAL TABLE IF NOT EXISTS ${database}.clicks (
  event_ts           timestamp COMMENT 'time of the event as the provider states it, else the time of receipt (UTC)',
  provider           string COMMENT 'who reported it: meta, woosh, interakt, wasender or tracker',
  account_id         string COMMENT 'WhatsApp Business account id, tenant id or hashed session id',
  phone_number_id    string COMMENT 'Meta\'s id of the business phone number',
  received_at        timestamp COMMENT 'time at which the webhook was received (UTC)',
  click_id           string COMMENT 'wamid of the click, or a hash of the fields that identify it',
  message_id         string COMMENT 'id of the clicked message; null if the provider does not report it',
  wa_id              string COMMENT 'phone number of the person: digits only, or a keyed hash',
  user_id            string COMMENT 'business-scoped user id of the person',
  kind               string COMMENT 'kind of click: button_reply, list_reply, flow_reply, quick_reply, link_click, landing_page_view, …',
  button_id          string COMMENT 'id or payload of the button or list row',
  button_text        string COMMENT 'label of the button or list row',
  description        string COMMENT 'description of the list row, or component of the link click',
  url                string COMMENT 'target of the link',
  flow_name          string COMMENT 'name of the flow reply: flow, address_message, …',
  flow_token         string COMMENT 'flow token set by the business',
  response_json      string COMMENT 'answer of the flow as JSON; stored only if KEEP_RESPONSE_JSON is true',
  group_id           string COMMENT 'id of the group in which the person clicked',
  template_name      string COMMENT 'name of the template, if the provider reports it',
  campaign_id        string COMMENT 'id of the campaign, if the provider reports it',
  campaign_name      string COMMENT 'name of the campaign, if the provider reports it',
  callback_data      string COMMENT 'data that the business attached to the message when sending it',
  referral_source_id string COMMENT 'id of the ad or post that led the person to the chat',
  ctwa_clid          string COMMENT 'click id of the click-to-WhatsApp ad',
  source             string COMMENT 'the provider\'s name of the webhook event',
  tracking_token     string COMMENT 'tracking token of a link in a marketing message',
  link_click_id      string COMMENT 'click id that Meta added to the opened link',
  statement_hash     bigint COMMENT '64-bit hash of what the row states: all columns but event_ts and received_at'
)
COMMENT 'One row per report of a click of a person: reply button, list row, flow, quick reply of a template, link'
PARTITIONED BY (dt string COMMENT 'UTC date of event_ts')
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.IgnoreKeyTextOutputFormat'
LOCATION '${lake}/manifest/clicks/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '${first_day},NOW+1DAYS',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS'
)
