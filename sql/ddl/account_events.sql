-- Generated from crates/schema by `make generate`: do not edit.
-- One row per provider event that fits no other table: account updates, opt-outs, unreadable webhooks.
-- Parameters: ${database}, ${lake} (URL of the lake, without a slash at the end), ${first_day} (first date of the
-- projection, as in 2024-01-01).
CREATE EXTERNAL TABLE IF NOT EXISTS ${database}.account_events (
  event_ts        timestamp COMMENT 'time of the event as the provider states it, else the time of receipt (UTC)',
  provider        string COMMENT 'who reported it: meta, woosh, interakt, wasender or tracker',
  account_id      string COMMENT 'WhatsApp Business account id, tenant id or hashed session id',
  phone_number_id string COMMENT 'Meta\'s id of the business phone number',
  received_at     timestamp COMMENT 'time at which the webhook was received (UTC)',
  event_id        string COMMENT 'SHA-256 of provider, type and content, as hexadecimal',
  type            string COMMENT 'the provider\'s name of the event; unreadable for a body that could not be parsed',
  payload         string COMMENT 'the event as JSON, without secrets',
  wa_id           string COMMENT 'phone number of the person that the event is about: digits only, or a keyed hash',
  user_id         string COMMENT 'business-scoped user id of the person that the event is about',
  category        string COMMENT 'what an opt-out is about: marketing_messages',
  preference      string COMMENT 'stop or resume',
  statement_hash  bigint COMMENT '64-bit hash of what the row states: all columns but event_ts and received_at'
)
COMMENT 'One row per provider event that fits no other table: account updates, opt-outs, unreadable webhooks'
PARTITIONED BY (dt string COMMENT 'UTC date of event_ts')
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.IgnoreKeyTextOutputFormat'
LOCATION '${lake}/manifest/account_events/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '${first_day},NOW+1DAYS',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS'
)
