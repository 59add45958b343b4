-- Generated from crates/schema by `make generate`: do not edit.
-- One row per report of a delivery status of a message that the business sent.
-- Parameters: ${database}, ${lake} (URL of the lake, without a slash at the end), ${first_day} (first date of the
-- projection, as in 2024-01-01).
CREATE EXTERNAL TABLE IF NOT EXISTS ${database}.statuses (
  event_ts                timestamp COMMENT 'time of the event as the provider states it, else the time of receipt (UTC)',
  provider                string COMMENT 'who reported it: meta, woosh, interakt, wasender or tracker',
  account_id              string COMMENT 'WhatsApp Business account id, tenant id or hashed session id',
  phone_number_id         string COMMENT 'Meta\'s id of the business phone number',
  received_at             timestamp COMMENT 'time at which the webhook was received (UTC)',
  message_id              string COMMENT 'id of the message',
  status                  string COMMENT 'sent, delivered, read, played, failed, deleted, …; payment_captured and similar for payments',
  wa_id                   string COMMENT 'phone number of the recipient: digits only, or a keyed hash',
  user_id                 string COMMENT 'business-scoped user id of the recipient',
  participant             string COMMENT 'group member that the status is about: phone number, its keyed hash, or user id',
  group_id                string COMMENT 'id of the group that the message was sent to',
  conversation_id         string COMMENT 'id of the conversation',
  conversation_origin     string COMMENT 'what opened the conversation: marketing, utility, service, …',
  conversation_expires_at timestamp COMMENT 'end of the conversation (UTC)',
  billable                boolean COMMENT 'true if Meta charges for the message',
  pricing_model           string COMMENT 'Meta\'s pricing model: PMP, CBP or NBP',
  pricing_type            string COMMENT 'regular, free_customer_service, …',
  pricing_category        string COMMENT 'marketing, utility, authentication, service, …',
  error_code              bigint COMMENT 'Meta\'s code of the error, if the message failed',
  error_title             string COMMENT 'title of the error',
  error_message           string COMMENT 'message of the error',
  error_details           string COMMENT 'details of the error',
  template_name           string COMMENT 'name of the template, if the provider reports it',
  campaign_id             string COMMENT 'id of the campaign, if the provider reports it',
  campaign_name           string COMMENT 'name of the campaign, if the provider reports it',
  callback_data           string COMMENT 'data that the business attached to the message when sending it',
  buttons                 array<string> COMMENT 'labels of the message\'s buttons, in the order shown, if the provider reports them; empty if it has none',
  statement_hash          bigint COMMENT '64-bit hash of what the row states: all columns but event_ts and received_at'
)
COMMENT 'One row per report of a delivery status of a message that the business sent'
PARTITIONED BY (dt string COMMENT 'UTC date of event_ts')
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.IgnoreKeyTextOutputFormat'
LOCATION '${lake}/manifest/statuses/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '${first_day},NOW+1DAYS',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS'
)
