//! Where the rows of a table are stored, and how Athena reads them.

use crate::{Column, ColumnType, Table};

/// Column by which every table is partitioned. It is part of the path, not of the files.
pub const PARTITION_COLUMN: &str = "dt";

/// File format of a table's rows, with the Hadoop classes by which Athena reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Parquet parts. The table's location holds a manifest for each partition, which lists the parts.
    Parquet,
    /// Objects of newline-delimited JSON.
    Ndjson,
}

impl Format {
    /// Name in `sql/schema.json`.
    pub const fn name(self) -> &'static str {
        match self {
            Format::Parquet => "parquet",
            Format::Ndjson => "ndjson",
        }
    }

    /// Hadoop class that parses the values in a file.
    pub const fn serde(self) -> &'static str {
        match self {
            Format::Parquet => "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
            Format::Ndjson => "org.openx.data.jsonserde.JsonSerDe",
        }
    }

    /// Hadoop class that finds the files of a partition.
    pub const fn input_format(self) -> &'static str {
        match self {
            Format::Parquet => "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat",
            Format::Ndjson => "org.apache.hadoop.mapred.TextInputFormat",
        }
    }

    /// Hadoop class for writing, which Hive requires. Athena never writes to these tables.
    pub const fn output_format(self) -> &'static str {
        match self {
            Format::Parquet => "org.apache.hadoop.hive.ql.io.IgnoreKeyTextOutputFormat",
            Format::Ndjson => "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        }
    }
}

/// A table as SQL engines see it: one of [`Table`], or [`REJECTIONS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredTable {
    /// Name in SQL.
    pub name: &'static str,
    /// Meaning of a row, in one line.
    pub comment: &'static str,
    /// Format of the files.
    pub format: Format,
    /// Prefix under the lake's URL, with a trailing slash.
    pub prefix: &'static str,
    /// What the partition column holds, in one line.
    pub partition_comment: &'static str,
    /// Columns, without the partition column.
    pub columns: &'static [Column],
    /// Columns that identify a row within its partition; empty if none do.
    pub key: &'static [&'static str],
}

/// The counts of rejected lines. The lines themselves are stored under `rejected/`, which no table reads, because their
/// content is arbitrary.
pub const REJECTIONS: StoredTable = StoredTable {
    name: "rejections",
    comment: "One row per reason and raw object: how many of its lines were rejected; a large object may have several rows",
    format: Format::Ndjson,
    prefix: "rejections/",
    partition_comment: "UTC date of the raw object",
    columns: &[
        Column::new(
            "reason",
            ColumnType::String,
            "reason of the rejection: the folder of rejected/ that holds the lines",
        ),
        Column::new("source", ColumnType::String, "key of the raw object that the lines came from"),
        Column::new("line_count", ColumnType::BigInt, "number of rejected lines"),
    ],
    key: &[],
};

impl Table {
    /// The table as SQL engines see it.
    pub const fn stored(self) -> StoredTable {
        StoredTable {
            name: self.name(),
            comment: self.comment(),
            format: Format::Parquet,
            prefix: self.prefix(),
            partition_comment: "UTC date of event_ts",
            columns: self.columns(),
            key: self.key(),
        }
    }
}

impl StoredTable {
    /// All tables that SQL engines see.
    pub fn all() -> impl Iterator<Item = StoredTable> {
        Table::ALL.into_iter().map(Table::stored).chain([REJECTIONS])
    }
}

/// Athena's partition projection: table properties from which it computes the partitions, so that none must be
/// registered.
///
/// Partitions outside the range are invisible. It starts with the setting `first_day`; the lake rejects earlier events.
/// It ends a day after today, because an event may be dated up to a day after its receipt.
pub const PROJECTION: [(&str, &str); 6] = [
    ("projection.enabled", "true"),
    ("projection.dt.type", "date"),
    ("projection.dt.format", "yyyy-MM-dd"),
    ("projection.dt.range", "${first_day},NOW+1DAYS"),
    ("projection.dt.interval", "1"),
    ("projection.dt.interval.unit", "DAYS"),
];
