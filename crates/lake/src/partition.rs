//! Partitions: one table and one UTC date of event time each.

use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveTime};
use object_store::path::Path;

use crate::tables::Table;

/// Name of the only file in a manifest's folder; S3 Inventory uses the same name for its manifests.
pub(crate) const MANIFEST_FILE: &str = "symlink.txt";

/// One table and one UTC date of event time. A commit changes one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition {
    /// The table.
    pub table: Table,
    /// UTC date of `event_ts`; the value of the partition column `dt`.
    pub date: NaiveDate,
}

impl Partition {
    /// The partition of an event. It depends only on the table and the event time (rule R1 of `docs/lake.md`).
    /// `event_ts` is in milliseconds since 1970, UTC. `None` if the time is outside the calendar.
    pub fn of(table: Table, event_ts: i64) -> Option<Self> {
        let date = DateTime::from_timestamp_millis(event_ts)?.date_naive();
        Some(Self { table, date })
    }

    /// Path of the partition's manifest inside the lake.
    pub fn manifest_path(&self) -> Path {
        Path::from_iter(["manifest".to_owned(), self.table.name().to_owned(), self.folder(), MANIFEST_FILE.to_owned()])
    }

    /// Path of the folder with the partition's parts inside the lake.
    pub(crate) fn part_folder(&self) -> Path {
        Path::from_iter(["data".to_owned(), self.table.name().to_owned(), self.folder()])
    }

    /// Path of a part inside the lake.
    pub fn part_path(&self, name: &str) -> Path {
        Path::from_iter(["data".to_owned(), self.table.name().to_owned(), self.folder(), name.to_owned()])
    }

    /// Parses a path such as `data/clicks/dt=2026-11-20/x.parquet` into partition and file name. `None` if it does
    /// not start with `root` or has another form.
    pub(crate) fn parse_path<'a>(root: &str, path: &'a str) -> Option<(Self, &'a str)> {
        let mut segments = path.split('/');
        let (first, table, date, name) = (segments.next()?, segments.next()?, segments.next()?, segments.next()?);
        if first != root || segments.next().is_some() {
            return None;
        }
        let date = NaiveDate::parse_from_str(date.strip_prefix("dt=")?, "%Y-%m-%d").ok()?;
        let partition = Self { table: table.parse().ok()?, date };
        // The date parser also accepts spellings that the lake never writes, such as dt=+2026-11-19.
        (path.split('/').nth(2) == Some(&*partition.folder())).then_some((partition, name))
    }

    /// First and last millisecond of the partition's day, in milliseconds since 1970.
    pub(crate) fn time_range(&self) -> (i64, i64) {
        let start = self.date.and_time(NaiveTime::MIN).and_utc().timestamp_millis();
        (start, start + 86_400_000 - 1)
    }

    fn folder(&self) -> String {
        format!("dt={}", self.date)
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/dt={}", self.table, self.date)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_back() {
        let partition = Partition::of(Table::Clicks, 1_795_132_800_000 - 1).unwrap();
        assert_eq!(partition.to_string(), "clicks/dt=2026-11-19");
        let path = partition.part_path("x.parquet");
        assert_eq!(path.as_ref(), "data/clicks/dt=2026-11-19/x.parquet");
        assert_eq!(Partition::parse_path("data", path.as_ref()), Some((partition, "x.parquet")));
        assert_eq!(Partition::parse_path("manifest", path.as_ref()), None);
        for date in ["dt=+2026-11-19", "dt=2026-11-019", "dt= 2026-11-19", "dt=2026-11-19 "] {
            assert_eq!(Partition::parse_path("data", &format!("data/clicks/{date}/x.parquet")), None, "{date}");
        }
        assert_eq!(partition.manifest_path().as_ref(), "manifest/clicks/dt=2026-11-19/symlink.txt");
        assert_eq!(partition.time_range().1, 1_795_132_800_000 - 1);
    }
}
