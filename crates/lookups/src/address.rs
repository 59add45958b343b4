//! Addresses of look-up stores, as given in settings and on the command line.

use std::path::PathBuf;
use std::str::FromStr;

/// Default of `keep_days`: number of days for which a DynamoDB item is kept after the last event of its message.
const KEEP_DAYS: u32 = 90;

/// The address of a look-up store: `file:///<directory>`, or `dynamodb://<table>` with the optional parameter
/// `?keep_days=<days>` (default 90).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// The store of one machine: a SQLite file in a local directory.
    Directory(PathBuf),
    /// A DynamoDB table.
    Table {
        /// Name of the table.
        name: String,
        /// Number of days for which an item is kept after the last event of its message.
        keep_days: u32,
    },
}

/// The text is not a valid [`Address`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the look-up store must be file:///<directory> or dynamodb://<table>, the latter with ?keep_days=<days> if not 90"
)]
pub struct InvalidAddress;

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        if let Some(table) = text.strip_prefix("dynamodb://") {
            let (name, query) = table.split_once('?').unwrap_or((table, ""));
            let is_name = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
            let keep_days = match query {
                "" => KEEP_DAYS,
                query => {
                    let days = query.strip_prefix("keep_days=").and_then(|days| days.parse().ok());
                    days.filter(|days| *days > 0).ok_or(InvalidAddress)?
                }
            };
            let name = name.trim_end_matches('/');
            let is_valid = !name.is_empty() && name.chars().all(is_name);
            return is_valid.then(|| Address::Table { name: name.to_owned(), keep_days }).ok_or(InvalidAddress);
        }
        let url = url::Url::parse(text).map_err(|_| InvalidAddress)?;
        let directory = (url.scheme() == "file").then(|| url.to_file_path().ok()).flatten();
        directory.map(Address::Directory).ok_or(InvalidAddress)
    }
}

#[cfg(all(feature = "sqlite", feature = "dynamodb"))]
impl Address {
    /// Opens the store. A missing directory is created; a table must already exist.
    ///
    /// # Errors
    /// The directory cannot be used. A missing table is only detected by the first call.
    pub async fn open(&self) -> Result<std::sync::Arc<dyn crate::LookupStore>, crate::StoreError> {
        Ok(match self {
            Address::Directory(directory) => std::sync::Arc::new(crate::sqlite::SqliteStore::open(directory)?),
            Address::Table { name, keep_days } => {
                std::sync::Arc::new(crate::dynamodb::DynamoStore::connect(name, *keep_days).await)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let table = |name: &str, keep_days| Ok(Address::Table { name: name.to_owned(), keep_days });
        assert_eq!("dynamodb://lookups".parse(), table("lookups", 90));
        assert_eq!("dynamodb://my.look-ups_1?keep_days=400".parse(), table("my.look-ups_1", 400));
        assert_eq!("file:///var/lib/lookups".parse(), Ok(Address::Directory("/var/lib/lookups".into())));
        for wrong in
            ["", "lookups", "dynamodb://", "dynamodb://a b", "dynamodb://a?keep_days=0", "dynamodb://a?x=1", "s3://a"]
        {
            assert_eq!(wrong.parse::<Address>(), Err(InvalidAddress), "{wrong}");
        }
    }
}
