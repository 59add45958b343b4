-- One row per anything else that a provider tells.
-- The location holds manifests: for each partition one text file that names its Parquet files (docs/metrics.md says what the rows mean).
-- A partition exists for each UTC date of event_ts; projection spares registering them. Rows outside its range would be invisible: the
-- lake refuses what happened before 2009 or more than a day ahead.
-- Parameters: ${database}, ${lake} (URL of the lake, no slash at the end).
CREATE EXTERNAL TABLE IF NOT EXISTS ${database}.account_events (
  event_ts        timestamp COMMENT 'when it happened, by the provider\'s payload (UTC)',
  provider        string COMMENT 'who told us: meta, woosh, interakt, wasender, tracker',
  account_id      string COMMENT 'WABA id, tenant or hashed session',
  phone_number_id string COMMENT 'the business phone number\'s id at Meta',
  received_at     timestamp COMMENT 'when the webhook was received (UTC)',
  event_id        string COMMENT 'hash of provider, type and content',
  type            string COMMENT 'the provider\'s name of the event; unreadable for a body that could not be parsed',
  payload         string COMMENT 'the event as JSON, without secrets',
  wa_id           string COMMENT 'phone number of the person it is about, if any',
  user_id         string COMMENT 'business-scoped user id of the person it is about, if any',
  category        string COMMENT 'what an opt-out is about: marketing_messages',
  preference      string COMMENT 'stop or resume'
)
PARTITIONED BY (dt string COMMENT 'UTC date of event_ts')
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.IgnoreKeyTextOutputFormat'
LOCATION '${lake}/manifest/account_events/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2009-01-01,NOW+1DAYS',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS'
)
