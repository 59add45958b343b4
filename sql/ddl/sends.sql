-- One row per message that the application says it sent.
-- The location holds manifests: for each partition one text file that names its Parquet files (docs/metrics.md says what the rows mean).
-- A partition exists for each UTC date of event_ts; projection spares registering them. Rows outside its range would be invisible: the
-- lake refuses what happened before 2009 or more than a day ahead.
-- Parameters: ${database}, ${lake} (URL of the lake, no slash at the end).
CREATE EXTERNAL TABLE IF NOT EXISTS ${database}.sends (
  event_ts              timestamp COMMENT 'when it happened, by the provider\'s payload (UTC)',
  provider              string COMMENT 'who told us: meta, woosh, interakt, wasender, tracker',
  account_id            string COMMENT 'WABA id, tenant or hashed session',
  phone_number_id       string COMMENT 'the business phone number\'s id at Meta',
  received_at           timestamp COMMENT 'when the webhook was received (UTC)',
  message_id            string COMMENT 'the message, as the provider answered when it was sent',
  wa_id                 string COMMENT 'phone number of the recipient, digits only (or its keyed hash)',
  template_name         string COMMENT 'template',
  flow_type             string COMMENT 'rsvp, travel, custom; standalone by default',
  message_type          string COMMENT 'rsvp, travel; template by default',
  standalone            boolean COMMENT 'true if the send belongs to no event',
  event_id              string COMMENT 'event of the application',
  event_registration_id string COMMENT 'registration of the guest for the event',
  guest_id              string COMMENT 'guest',
  guest_name            string COMMENT 'guest\'s name; dropped where phone numbers are hashed',
  ticket_id             string COMMENT 'ticket of the application, for response times',
  campaign_id           string COMMENT 'campaign',
  buttons               array<string> COMMENT 'ids of the buttons in the order shown'
)
PARTITIONED BY (dt string COMMENT 'UTC date of event_ts')
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.IgnoreKeyTextOutputFormat'
LOCATION '${lake}/manifest/sends/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2009-01-01,NOW+1DAYS',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS'
)
