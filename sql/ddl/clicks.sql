-- One row per interaction of a person: reply buttons, list rows, flows, template quick replies, links.
-- The location holds manifests: for each partition one text file that names its Parquet files (docs/metrics.md says what the rows mean).
-- A partition exists for each UTC date of event_ts; projection spares registering them. Rows outside its range would be invisible: the
-- lake refuses what happened before 2009 or more than a day ahead.
-- Parameters: ${database}, ${lake} (URL of the lake, no slash at the end).
CREATE EXTERNAL TABLE IF NOT EXISTS ${database}.clicks (
  event_ts           timestamp COMMENT 'when it happened, by the provider\'s payload (UTC)',
  provider           string COMMENT 'who told us: meta, woosh, interakt, wasender, tracker',
  account_id         string COMMENT 'WABA id, tenant or hashed session',
  phone_number_id    string COMMENT 'the business phone number\'s id at Meta',
  received_at        timestamp COMMENT 'when the webhook was received (UTC)',
  click_id           string COMMENT 'wamid of the interaction, or a hash of the fields that identify it',
  message_id         string COMMENT 'the message that was clicked; null if the provider does not say',
  wa_id              string COMMENT 'phone number of the person, digits only (or its keyed hash)',
  user_id            string COMMENT 'business-scoped user id',
  kind               string COMMENT 'button_reply, list_reply, flow_reply, quick_reply, link_click, …',
  button_id          string COMMENT 'id or payload of the button or row',
  button_text        string COMMENT 'its label',
  description        string COMMENT 'description of a list row; component of a link click',
  url                string COMMENT 'target of a link',
  flow_name          string COMMENT 'name of the flow reply: flow, address_message, …',
  flow_token         string COMMENT 'flow token that the business set',
  response_json      string COMMENT 'the flow\'s answer, only if the operator opts in',
  group_id           string COMMENT 'group in which it happened',
  template_name      string COMMENT 'template, where the provider names it',
  campaign_id        string COMMENT 'campaign, where the provider names it',
  campaign_name      string COMMENT 'campaign\'s name, where the provider names it',
  callback_data      string COMMENT 'what the business attached when it sent the message',
  referral_source_id string COMMENT 'id of the ad or post that led here',
  ctwa_clid          string COMMENT 'click id of a click-to-WhatsApp ad',
  source             string COMMENT 'the provider\'s own name of the event that told us',
  tracking_token     string COMMENT 'token of a marketing message\'s link',
  link_click_id      string COMMENT 'click id that Meta put on the opened link'
)
PARTITIONED BY (dt string COMMENT 'UTC date of event_ts')
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.IgnoreKeyTextOutputFormat'
LOCATION '${lake}/manifest/clicks/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2009-01-01,NOW+1DAYS',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS'
)
