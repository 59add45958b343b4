-- Generated from crates/schema by `make generate`: do not edit.
-- One row per inbound message that is not a click; its text is not stored.
-- Parameters: ${database}, ${lake} (URL of the lake, without a slash at the end), ${first_day} (first date of the
-- projection, as in 2024-01-01).
CREATE EXTERNAL TABLE IF NOT EXISTS ${database}.messages (
  event_ts             timestamp COMMENT 'time of the event as the provider states it, else the time of receipt (UTC)',
  provider             string COMMENT 'who reported it: meta, woosh, interakt, wasender or tracker',
  account_id           string COMMENT 'WhatsApp Business account id, tenant id or hashed session id',
  phone_number_id      string COMMENT 'Meta\'s id of the business phone number',
  received_at          timestamp COMMENT 'time at which the webhook was received (UTC)',
  message_id           string COMMENT 'id of the inbound message',
  wa_id                string COMMENT 'phone number of the sender: digits only, or a keyed hash',
  user_id              string COMMENT 'business-scoped user id of the sender',
  type                 string COMMENT 'type of the message: text, image, reaction, order, …',
  context_message_id   string COMMENT 'id of the message that it answers or reacts to',
  group_id             string COMMENT 'id of the group in which it was sent',
  referral_source_id   string COMMENT 'id of the ad or post that led the person to the chat',
  referral_source_type string COMMENT 'ad or post',
  ctwa_clid            string COMMENT 'click id of the click-to-WhatsApp ad',
  unsupported_type     string COMMENT 'original type of an unsupported message; button, interactive or list means a lost click',
  error_code           bigint COMMENT 'Meta\'s code of why the message could not be passed on',
  statement_hash       bigint COMMENT '64-bit hash of what the row states: all columns but event_ts and received_at'
)
COMMENT 'One row per inbound message that is not a click; its text is not stored'
PARTITIONED BY (dt string COMMENT 'UTC date of event_ts')
ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.IgnoreKeyTextOutputFormat'
LOCATION '${lake}/manifest/messages/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '${first_day},NOW+1DAYS',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS'
)
