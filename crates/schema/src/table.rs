//! Types for tables and columns, built from the definition.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use crate::column_name;

/// The type of a column. Every reader of the lake (Athena, Trino, DuckDB, Arrow) has these types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// UTF-8 text.
    String,
    /// Milliseconds since 1970 in UTC. In NDJSON an integer.
    Timestamp,
    /// 64-bit signed integer.
    BigInt,
    /// True or false.
    Boolean,
    /// List of UTF-8 texts.
    StringList,
    /// Map of UTF-8 texts to UTF-8 texts. In NDJSON an object; keys are sorted and unique.
    StringMap,
}

impl ColumnType {
    /// Name of the type in Athena's DDL (Hive's type names) and in Glue.
    pub const fn hive(self) -> &'static str {
        match self {
            ColumnType::String => "string",
            ColumnType::Timestamp => "timestamp",
            ColumnType::BigInt => "bigint",
            ColumnType::Boolean => "boolean",
            ColumnType::StringList => "array<string>",
            ColumnType::StringMap => "map<string,string>",
        }
    }
}

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name in Parquet, SQL and NDJSON.
    pub name: &'static str,
    /// Type.
    pub kind: ColumnType,
    /// What it holds, in one line. It is the column's comment in the DDL and in Glue.
    pub comment: &'static str,
    /// Whether every row has a value. A line of NDJSON without it is rejected.
    pub required: bool,
    /// Whether it has few distinct values among many rows. The writer gives such a column a dictionary.
    pub low_cardinality: bool,
    /// Whether it is an id that recurs in neighbouring rows. The writer gives such a column a large dictionary.
    pub recurring: bool,
    /// Whether it may hold data by which a person can be identified. Erasures search these columns.
    pub personal: bool,
}

impl Column {
    /// A column that may be null and has no flag set.
    pub(crate) const fn new(name: &'static str, kind: ColumnType, comment: &'static str) -> Self {
        Self { name, kind, comment, required: false, low_cardinality: false, recurring: false, personal: false }
    }

    /// The same column, required in every row.
    const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// The same column, with few distinct values.
    const fn low_cardinality(self) -> Self {
        Self { low_cardinality: true, ..self }
    }

    /// The same column, with ids that recur in neighbouring rows.
    const fn recurring(self) -> Self {
        Self { recurring: true, ..self }
    }

    /// The same column, with personal data.
    const fn personal(self) -> Self {
        Self { personal: true, ..self }
    }

    /// The same column; the flag only affects records: the values are constants of the program, so records borrow
    /// them.
    const fn fixed(self) -> Self {
        self
    }
}

/// Name of the column that distinguishes different statements about one event. It is the last column of every table
/// and of every key.
pub const STATEMENT_HASH: &str = "statement_hash";

/// The lake computes it when it stages a line; records do not have it.
const STATEMENT_HASH_COLUMN: Column = Column::new(
    STATEMENT_HASH,
    ColumnType::BigInt,
    "64-bit hash of what the row states: all columns but event_ts and received_at",
);

/// The columns of one table as a slice: the common ones, the table's own, and the statement hash.
macro_rules! columns {
    ({$($common:tt)*} {$($own:tt)*}) => { columns!($($common)* $($own)*) };
    ($($name:ident: $kind:ident $($flag:ident)*, $comment:literal;)*) => {
        &[$(Column::new(column_name(stringify!($name)), ColumnType::$kind, $comment)$(.$flag())*,)* STATEMENT_HASH_COLUMN]
    };
}

macro_rules! define_tables {
    (
        common $common:tt
        $(table $name:ident $table:ident $record:ident $comment:literal; key $($key:ident)*; columns $own:tt)*
    ) => {
        /// A table of the lake. Its rows are stored as Parquet.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Table {
            $(#[doc = concat!($comment, ".")] $table,)*
        }

        impl Table {
            /// Every table, in the order of their definition.
            pub const ALL: [Table; [$(Table::$table),*].len()] = [$(Table::$table),*];

            /// Name in paths, records and SQL.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Table::$table => stringify!($name),)*
                }
            }

            /// Prefix of its manifests under the lake's URL, with a slash at the end.
            pub(crate) const fn prefix(self) -> &'static str {
                match self {
                    $(Table::$table => concat!("manifest/", stringify!($name), "/"),)*
                }
            }

            /// Meaning of a row, in one line. It is the table's comment in the DDL and in Glue.
            pub const fn comment(self) -> &'static str {
                match self {
                    $(Table::$table => $comment,)*
                }
            }

            /// All columns in the order of the files: first those that every table has. The partition column `dt` is
            /// not among them, because it is part of the path and not of the files.
            pub const fn columns(self) -> &'static [Column] {
                match self {
                    $(Table::$table => const { columns!($common $own) },)*
                }
            }

            /// The columns that identify a statement about an event within its partition: those that identify the
            /// event, then [`STATEMENT_HASH`]. Two rows with the same key are duplicates. Two sources that report one
            /// event, and two reports of one source that differ, are different rows.
            ///
            /// If the request of a send, or an account event, states no time, it is dated by its receipt. The time is
            /// therefore not part of their keys.
            pub const fn key(self) -> &'static [&'static str] {
                match self {
                    $(Table::$table => const { &[$(column_name(stringify!($key)),)* STATEMENT_HASH] },)*
                }
            }
        }
    };
}

crate::with_tables!(define_tables);

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text is not the name of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownTable(pub String);

impl fmt::Display for UnknownTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Table::ALL.map(Table::name).join(", ");
        write!(f, "unknown table {:?}; the tables are {names}", self.0)
    }
}

impl Error for UnknownTable {}

impl FromStr for Table {
    type Err = UnknownTable;

    fn from_str(name: &str) -> Result<Self, UnknownTable> {
        Table::ALL.into_iter().find(|table| table.name() == name).ok_or_else(|| UnknownTable(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_keys_are_columns() {
        for table in Table::ALL {
            let mut names: Vec<_> = table.columns().iter().map(|column| column.name).collect();
            assert!(table.key().iter().all(|name| names.contains(name)), "{table}: {:?}", table.key());
            names.sort_unstable();
            let count = names.len();
            names.dedup();
            assert_eq!(names.len(), count, "{table} has two columns of one name");
        }
    }

    #[test]
    fn names_are_those_of_sql() {
        assert_eq!((column_name("r#type"), column_name("wa_id"), column_name("r")), ("type", "wa_id", "r"));
        assert_eq!("account_events".parse(), Ok(Table::AccountEvents));
        let unknown = "x".parse::<Table>().map_err(|error| error.to_string());
        assert_eq!(
            unknown,
            Err("unknown table \"x\"; the tables are clicks, statuses, sends, messages, account_events".to_owned())
        );
    }

    #[test]
    fn flags_are_those_of_the_definition() {
        let column = |name: &str| Table::Statuses.columns().iter().find(|column| column.name == name).copied();
        let expected = Column {
            required: true,
            recurring: true,
            ..Column::new("message_id", ColumnType::String, "id of the message")
        };
        assert_eq!(column("message_id"), Some(expected));
        let expected = Column::new("billable", ColumnType::Boolean, "true if Meta charges for the message");
        assert_eq!(column("billable"), Some(expected));
    }
}
