-- Generated from crates/schema by `make generate`: do not edit.
-- One row per statement of the application that it sent a message.
-- Parameters: ${database}, ${lake} (URL of the lake, without a slash at the end), ${first_day} (first date of the
-- projection, as in 2024-01-01).
CREATE EXTERNAL TABLE IF NOT EXISTS ${database}.sends (
  event_ts              timestamp COMMENT 'time of the event as the provider states it, else the time of receipt (UTC)',
  provider              string COMMENT 'who reported it: meta, woosh, interakt, wasender or tracker',
  account_id            string COMMENT 'WhatsApp Business account id, tenant id or hashed session id',
  phone_number_id       string COMMENT 'Meta\'s id of the business phone number',
  received_at           timestamp COMMENT 'time at which the webhook was received (UTC)',
  message_id            string COMMENT 'id of the message: the wamid that the provider returned when it was sent',
  wa_id                 string COMMENT 'phone number of the recipient: digits only, or a keyed hash',
  template_name         string COMMENT 'name of the template',
  flow_type             string COMMENT 'rsvp, travel, custom, …; null if the application names none',
  message_type          string COMMENT 'rsvp, travel, …; null if the application names none',
  standalone            boolean COMMENT 'true if the statement names no event; null in a correction that names none',
  event_id              string COMMENT 'id of the event in the application',
  event_registration_id string COMMENT 'id of the guest\'s registration for the event',
  guest_id              string COMMENT 'id of the guest in the application',
  guest_name            string COMMENT 'name of the guest; null where phone numbers are hashed',
  ticket_id             string COMMENT 'id of the ticket in the application, for response times',
  campaign_id           string COMMENT 'id of the campaign',
  buttons               array<string> COMMENT 'ids of the buttons, in the order shown',
  user_id               string COMMENT 'business-scoped user id of the recipient',
  template_language     string COMMENT 'language of the template, as in en_US',
  sent_at               timestamp COMMENT 'time of sending as the application states it; null if event_ts is the time of receipt (UTC)',
  attributes            map<string,string> COMMENT 'what else the application states about the message, by name',
  updated_at            timestamp COMMENT 'time of this statement if it corrects an earlier one: the latest wins (UTC)',
  statement_hash        bigint COMMENT '64-bit hash of what the row states: all columns but event_ts and received_at'
)
COMMENT 'One row per statement of the application that it sent a message'
PARTITIONED BY (dt string COMMENT 'UTC date of event_ts')
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.IgnoreKeyTextOutputFormat'
LOCATION '${lake}/manifest/sends/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '${first_day},NOW+1DAYS',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS'
)
