-- One row per delivery status of a message of the business.
-- The location holds manifests: for each partition one text file that names its Parquet files (docs/metrics.md says what the rows mean).
-- A partition exists for each UTC date of event_ts; projection spares registering them. Rows outside its range would be invisible: the
-- lake refuses what happened before 2009 or more than a day ahead.
-- Parameters: ${database}, ${lake} (URL of the lake, no slash at the end).
CREATE EXTERNAL TABLE IF NOT EXISTS ${database}.statuses (
  event_ts                timestamp COMMENT 'when it happened, by the provider\'s payload (UTC)',
  provider                string COMMENT 'who told us: meta, woosh, interakt, wasender, tracker',
  account_id              string COMMENT 'WABA id, tenant or hashed session',
  phone_number_id         string COMMENT 'the business phone number\'s id at Meta',
  received_at             timestamp COMMENT 'when the webhook was received (UTC)',
  message_id              string COMMENT 'the message of the business',
  status                  string COMMENT 'sent, delivered, read, played, failed, deleted, …; payment_… for payments',
  wa_id                   string COMMENT 'phone number of the recipient, digits only (or its keyed hash)',
  user_id                 string COMMENT 'business-scoped user id of the recipient',
  participant             string COMMENT 'member of a group that this status is about',
  group_id                string COMMENT 'group to which the message went',
  conversation_id         string COMMENT 'conversation',
  conversation_origin     string COMMENT 'what opened the conversation',
  conversation_expires_at timestamp COMMENT 'when the conversation ends (UTC)',
  billable                boolean COMMENT 'whether Meta charges for it',
  pricing_model           string COMMENT 'PMP, CBP, NBP',
  pricing_type            string COMMENT 'regular, free_customer_service, …',
  pricing_category        string COMMENT 'marketing, utility, authentication, service, …',
  error_code              bigint COMMENT 'why it failed: Meta\'s code',
  error_title             string COMMENT 'title of the error',
  error_message           string COMMENT 'message of the error',
  error_details           string COMMENT 'details of the error',
  template_name           string COMMENT 'template, where the provider names it',
  campaign_id             string COMMENT 'campaign, where the provider names it',
  campaign_name           string COMMENT 'campaign\'s name, where the provider names it',
  callback_data           string COMMENT 'what the business attached when it sent the message'
)
PARTITIONED BY (dt string COMMENT 'UTC date of event_ts')
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.IgnoreKeyTextOutputFormat'
LOCATION '${lake}/manifest/statuses/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2009-01-01,NOW+1DAYS',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS'
)
