//! Updates the look-up store from committed rows and from the lake.
//!
//! Ingest applies the rows of a webhook within its time budget, if it can. The transform applies every row again after
//! its commit: rows that ingest missed reach the store then, and rows that ingest had applied change nothing. Rows of
//! erased persons are left out, as in the lake. The items of their messages are then built again from the lake, because
//! merged values cannot be removed from an item. If the store does not accept rows, a note is written to the lake
//! ([`due`]) and the rows are applied later.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use arrow::array::RecordBatch;
use bluetick_events::{Options, recipient_id};
use bluetick_lake::{Erasures, Lake, LakeError, Partition, PartitionBatch, Person, Table};
use bluetick_lookups::{Entry, Fact, Filter, Item, LookupStore, Merge, Position, StoreError, Update, Updates};

mod due;
mod rows;

pub use due::{apply_due, note_due};
use rows::{COLUMNS, facts};

/// Maximum number of messages per call to the store.
const CALL_MESSAGES: usize = 200;

/// Maximum time of one call to the store, so that an unresponsive store does not delay the commits.
const CALL_TIME: Duration = Duration::from_secs(15);

/// Maximum number of messages that wait in memory before they are applied.
const MOST_WAITING: usize = 50_000;

/// Maximum number of attempts to derive a message that changes meanwhile, or to apply rows while persons are erased.
const ATTEMPTS: usize = 5;

/// The tables whose rows refer to business messages.
const TABLES: [Table; 4] = [Table::Statuses, Table::Sends, Table::Clicks, Table::Messages];

/// Why the look-up store could not be brought up to date with the lake.
#[derive(Debug, thiserror::Error)]
pub enum LookupsError {
    /// The lake could not be read.
    #[error("the lake could not be read")]
    Lake(#[from] LakeError),
    /// The look-up store returned an error.
    #[error("the look-up store did not take the updates")]
    Store(#[from] StoreError),
    /// A note could not be written, read or deleted.
    #[error("the notes of what the look-up store lacks could not be read or written")]
    Notes(#[from] object_store::Error),
    /// The look-up store did not respond. It may still contain a message of an erased person, named by rows that were
    /// left out.
    #[error("the look-up store may hold messages of an erased person, and does not answer")]
    ErasedRows,
    /// In every attempt, a person was erased or a message was updated meanwhile.
    #[error("persons were erased, or messages were updated, meanwhile")]
    Changed,
}

/// Result of [`rebuild`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RebuildReport {
    /// Number of partitions read.
    pub partitions: u64,
    /// Number of rows that refer to a business message.
    pub facts: u64,
}

/// Collects updates from rows and applies them to the store.
struct Feed<'a> {
    lake: &'a Lake,
    store: &'a dyn LookupStore,
    erasures: Erasures,
    updates: Updates,
    /// Ids of messages of which an erased person's rows were left out.
    erased: BTreeSet<String>,
}

impl<'a> Feed<'a> {
    async fn begin(lake: &'a Lake, store: &'a dyn LookupStore) -> Result<Self, LakeError> {
        let erasures = lake.erasures().await?;
        Ok(Self { lake, store, erasures, updates: Updates::default(), erased: BTreeSet::new() })
    }

    /// Adds rows with all columns. Only rows received within `received` (milliseconds since 1970, UTC) are used.
    fn take(&mut self, table: Table, batch: &RecordBatch, received: &RangeInclusive<i64>) -> Result<(), LakeError> {
        let erased = self.erasures.matches(table, batch)?;
        for (fact, is_erased) in facts(table, batch).into_iter().zip(erased) {
            if is_erased {
                self.erased.extend(fact.into_message_id());
            } else if received.contains(&fact.received_at) {
                self.updates.push(fact);
            }
        }
        Ok(())
    }

    async fn apply_if_full(&mut self) -> Result<(), LookupsError> {
        if self.updates.len() < MOST_WAITING {
            return Ok(());
        }
        Ok(apply(self.store, std::mem::take(&mut self.updates)).await?)
    }

    /// Applies the remaining updates. Returns false if a person was erased meanwhile: the rows may name that person,
    /// so all of them must be added again.
    async fn end(self) -> Result<bool, LookupsError> {
        apply(self.store, self.updates).await?;
        derive_again(self.lake, self.store, &self.erased).await?;
        Ok(self.lake.erasures().await? == self.erasures)
    }
}

/// Applies committed rows to the store.
pub(crate) async fn feed(lake: &Lake, store: &dyn LookupStore, batches: &[PartitionBatch]) -> Result<(), LookupsError> {
    for _ in 0..ATTEMPTS {
        let mut feed = Feed::begin(lake, store).await?;
        for batch in batches.iter().filter(|batch| TABLES.contains(&batch.partition().table)) {
            for rows in batch.sorted_batches() {
                feed.take(batch.partition().table, &rows?, &(i64::MIN..=i64::MAX))?;
                feed.apply_if_full().await?;
            }
        }
        if feed.end().await? {
            return Ok(());
        }
    }
    Err(LookupsError::Changed)
}

async fn apply(store: &dyn LookupStore, mut updates: Updates) -> Result<(), StoreError> {
    let mut updates = updates.take();
    while !updates.is_empty() {
        let rest = updates.split_off(updates.len().min(CALL_MESSAGES));
        within(store.apply(std::mem::replace(&mut updates, rest))).await?;
    }
    Ok(())
}

async fn within<T>(call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let late = || StoreError::unavailable(format!("no answer within {} s", CALL_TIME.as_secs()));
    tokio::time::timeout(CALL_TIME, call).await.unwrap_or_else(|_| Err(late()))
}

/// Rebuilds the look-up store from the lake alone. Webhooks may be processed meanwhile: their updates are also in raw
/// objects and reach the lake and the store again.
///
/// # Errors
/// The lake or the store failed. Run it again.
pub async fn rebuild(lake: &Lake, store: &dyn LookupStore) -> Result<RebuildReport, LookupsError> {
    let notes = due::read(lake).await?;
    store.clear().await?;
    let mut report = RebuildReport::default();
    let mut updates = Updates::default();
    let partitions = days(lake).await?;
    let mut dates = partitions.iter().map(|partition| partition.date).skip(1);
    for partition in &partitions {
        let mut visit = |batch: &RecordBatch| {
            for update in facts(partition.table, batch).into_iter().filter_map(Fact::into_update) {
                report.facts += 1;
                updates.merge(update);
            }
        };
        lake.scan_partition(*partition, &COLUMNS, &mut visit).await?;
        report.partitions += 1;
        if dates.next() != Some(partition.date) || updates.len() > MOST_WAITING {
            apply(store, std::mem::take(&mut updates)).await?;
        }
    }
    due::delete(lake, &notes).await?;
    Ok(report)
}

/// Derives messages again from the lake after rows of them were erased. Each item is replaced atomically, so an
/// interruption loses nothing. Reads only the days of the lake that the items' fact times cover.
///
/// # Errors
/// The lake or the store failed, or [`LookupsError::Changed`]. Run it again.
async fn derive_again(
    lake: &Lake,
    lookups: &dyn LookupStore,
    message_ids: &BTreeSet<String>,
) -> Result<(), LookupsError> {
    let mut left: Vec<String> = message_ids.iter().cloned().collect();
    for _ in 0..ATTEMPTS {
        if left.is_empty() {
            return Ok(());
        }
        let before = within(lookups.get(&left)).await?;
        let mut derived = derive(lake, &before).await?;
        left.clear();
        for (message_id, item) in before {
            let after = derived.remove(&message_id);
            if after.as_ref() != Some(&item) && !within(lookups.replace(&message_id, &item, after)).await? {
                left.push(message_id);
            }
        }
    }
    if left.is_empty() { Ok(()) } else { Err(LookupsError::Changed) }
}

/// The items of these messages derived from the lake alone. Messages without rows in the lake are left out.
async fn derive(lake: &Lake, entries: &[Entry]) -> Result<BTreeMap<String, Item>, LakeError> {
    let ids: BTreeSet<&str> = entries.iter().map(|(id, _)| id.as_str()).collect();
    let firsts = entries.iter().filter_map(|(_, item)| item.first_fact_at.get());
    let lasts = entries.iter().filter_map(|(_, item)| item.last_fact_at.get());
    let mut derived: BTreeMap<String, Item> = BTreeMap::new();
    let (Some(first), Some(last)) = (firsts.min(), lasts.max()) else { return Ok(derived) };
    for partition in days(lake).await? {
        let day = |time| Partition::of(partition.table, time).map(|partition| partition.date);
        if Some(partition.date) < day(first) || Some(partition.date) > day(last) {
            continue;
        }
        let mut visit = |batch: &RecordBatch| {
            for Update { message_id, item } in facts(partition.table, batch).into_iter().filter_map(Fact::into_update) {
                if ids.contains(message_id.as_str()) {
                    derived.entry(message_id).or_default().merge(item);
                }
            }
        };
        lake.scan_partition(partition, &COLUMNS, &mut visit).await?;
    }
    Ok(derived)
}

/// Removes a person from the look-up store after the person was erased from the lake. The messages in `named`, and
/// messages to the person that are not in the lake yet, are derived again from the lake.
///
/// # Errors
/// The lake or the store failed. Run it again with the same list.
pub async fn erase(
    lake: &Lake,
    store: &dyn LookupStore,
    person: &Person,
    named: BTreeSet<String>,
) -> Result<(), LookupsError> {
    let recipient = match person {
        Person::WaId(number) => recipient_id(number.trim(), &Options::default()),
        Person::UserId(id) => Some(id.trim().to_owned()),
    };
    let mut messages = named;
    if let Some(recipient) = recipient {
        messages.extend(messages_to(store, &recipient).await?);
    }
    derive_again(lake, store, &messages).await
}

async fn messages_to(lookups: &dyn LookupStore, recipient_id: &str) -> Result<BTreeSet<String>, StoreError> {
    let filter = Filter { recipient_id: Some(recipient_id.to_owned()), ..Filter::default() };
    let (mut found, mut after) = (BTreeSet::new(), None);
    loop {
        let page = lookups.list(&filter, after.as_ref(), CALL_MESSAGES).await?;
        let Some((id, item)) = page.last() else { return Ok(found) };
        after = Some(Position::of(id, item));
        found.extend(page.into_iter().map(|(id, _)| id));
    }
}

/// Ids of the messages with a row in the lake that an erasure of the person removes, because any of its texts names
/// the person: as recipient, group member, or author of a click or reply. Call it before the person is erased.
///
/// # Errors
/// The lake failed.
pub async fn messages_naming(lake: &Lake, person: &Person) -> Result<BTreeSet<String>, LakeError> {
    let person = Erasures::of(person)?;
    let mut found = BTreeSet::new();
    for partition in days(lake).await? {
        let mut failed = None;
        let mut visit = |batch: &RecordBatch| match person.matches(partition.table, batch) {
            Ok(named) => {
                let facts = facts(partition.table, batch).into_iter().zip(named).filter(|(_, named)| *named);
                // Rows that add nothing to an item count, too, such as a reaction: after their erasure the lake leaves
                // out later rows about the message.
                found.extend(facts.filter_map(|(fact, _)| fact.into_message_id()));
            }
            Err(error) => failed = Some(error),
        };
        lake.scan_partition(partition, &all_columns(partition.table), &mut visit).await?;
        if let Some(error) = failed {
            return Err(error);
        }
    }
    Ok(found)
}

fn all_columns(table: Table) -> Vec<&'static str> {
    table.columns().iter().map(|column| column.name).collect()
}

/// The partitions of [`TABLES`], ordered by day: most facts of a message are of one day, so they are merged before
/// they reach the store.
async fn days(lake: &Lake) -> Result<Vec<Partition>, LakeError> {
    let mut partitions = lake.partitions(None).await?;
    partitions.retain(|partition| TABLES.contains(&partition.table));
    partitions.sort_by_key(|partition| (partition.date, partition.table));
    Ok(partitions)
}
