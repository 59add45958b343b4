-- Generated from crates/schema by `make generate`: do not edit.
-- One row per reason and raw object: how many of its lines were rejected; a large object may have several rows.
-- Parameters: ${database}, ${lake} (URL of the lake, without a slash at the end), ${first_day} (first date of the
-- projection, as in 2024-01-01).
CREATE EXTERNAL TABLE IF NOT EXISTS ${database}.rejections (
  reason     string COMMENT 'reason of the rejection: the folder of rejected/ that holds the lines',
  source     string COMMENT 'key of the raw object that the lines came from',
  line_count bigint COMMENT 'number of rejected lines'
)
COMMENT 'One row per reason and raw object: how many of its lines were rejected; a large object may have several rows'
PARTITIONED BY (dt string COMMENT 'UTC date of the raw object')
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.mapred.TextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION '${lake}/rejections/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '${first_day},NOW+1DAYS',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS'
)
