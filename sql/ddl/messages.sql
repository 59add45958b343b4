-- One row per inbound message that is no click. No text is kept.
-- The location holds manifests: for each partition one text file that names its Parquet files (docs/metrics.md says what the rows mean).
-- A partition exists for each UTC date of event_ts; projection spares registering them. Rows outside its range would be invisible: the
-- lake refuses what happened before 2009 or more than a day ahead.
-- Parameters: ${database}, ${lake} (URL of the lake, no slash at the end).
CREATE EXTERNAL TABLE IF NOT EXISTS ${database}.messages (
  event_ts             timestamp COMMENT 'when it happened, by the provider\'s payload (UTC)',
  provider             string COMMENT 'who told us: meta, woosh, interakt, wasender, tracker',
  account_id           string COMMENT 'WABA id, tenant or hashed session',
  phone_number_id      string COMMENT 'the business phone number\'s id at Meta',
  received_at          timestamp COMMENT 'when the webhook was received (UTC)',
  message_id           string COMMENT 'the inbound message',
  wa_id                string COMMENT 'phone number of the person, digits only (or its keyed hash)',
  user_id              string COMMENT 'business-scoped user id',
  type                 string COMMENT 'text, image, reaction, order, …',
  context_message_id   string COMMENT 'message that it answers or reacts to',
  group_id             string COMMENT 'group in which it was written',
  referral_source_id   string COMMENT 'id of the ad or post that led here',
  referral_source_type string COMMENT 'ad or post',
  ctwa_clid            string COMMENT 'click id of a click-to-WhatsApp ad',
  unsupported_type     string COMMENT 'what an unsupported message was: button or list means a lost click',
  error_code           bigint COMMENT 'why Meta could not pass the message on'
)
PARTITIONED BY (dt string COMMENT 'UTC date of event_ts')
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.IgnoreKeyTextOutputFormat'
LOCATION '${lake}/manifest/messages/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2009-01-01,NOW+1DAYS',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS'
)
