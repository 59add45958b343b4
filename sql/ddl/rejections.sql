-- How many lines of raw objects could not be placed in a table, and why: one row for each reason, object and portion of it. The lines
-- themselves lie under rejected/, which this table does not read: they may hold whatever came.
-- The location holds NDJSON by the UTC date of the raw object.
-- Parameters: ${database}, ${lake} (URL of the lake, no slash at the end).
CREATE EXTERNAL TABLE IF NOT EXISTS ${database}.rejections (
  reason     string COMMENT 'why: the folder of rejected/ that holds them',
  source     string COMMENT 'the raw object that held them',
  line_count bigint COMMENT 'how many lines'
)
PARTITIONED BY (dt string COMMENT 'UTC date of the raw object')
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.mapred.TextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION '${lake}/rejections/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2009-01-01,NOW+1DAYS',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS'
)
