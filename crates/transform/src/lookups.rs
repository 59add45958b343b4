//! The look-up store, fed from raw objects and from the lake.
//!
//! Ingest applies what it can within its budget. The transform applies every line again, after it is committed: what
//! ingest missed reaches the store then, and what it had applied changes nothing. Rows of erased persons are left out,
//! as the lake leaves them out; their messages are derived anew from the lake, because an item cannot give back what
//! was merged into it.

use std::collections::BTreeSet;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMillisecondType};
use bluetick_events::{Options, recipient_id};
use bluetick_lake::{Erasures, Lake, LakeError, Partition, Person, Table, erasure_time};
use bluetick_lookups::{Fact, Filter, LookupStore, Position, StoreError, Updates};

/// Messages of one call to the store.
const CALL_MESSAGES: usize = 200;

/// Messages that wait in memory at most before they are applied.
const MOST_WAITING: usize = 50_000;

/// The tables that tell of messages of the business.
const TABLES: [Table; 4] = [Table::Statuses, Table::Sends, Table::Clicks, Table::Messages];

/// The columns that a [`Fact`] is made of.
const COLUMNS: [&str; 23] = [
    "event_ts",
    "received_at",
    "provider",
    "message_id",
    "context_message_id",
    "status",
    "kind",
    "source",
    "type",
    "wa_id",
    "user_id",
    "participant",
    "group_id",
    "error_code",
    "error_title",
    "error_message",
    "template_name",
    "message_type",
    "standalone",
    "event_id",
    "event_registration_id",
    "guest_id",
    "guest_name",
];

/// Why the store does not hold what the lake holds.
#[derive(Debug, thiserror::Error)]
pub enum LookupsError {
    /// The lake could not be read.
    #[error("the lake could not be read")]
    Lake(#[from] LakeError),
    /// The store did not take it.
    #[error("the look-up store did not take the updates")]
    Store(#[from] StoreError),
    /// Somebody was erased while lines were on their way.
    #[error("the list of erasures changed meanwhile")]
    ErasuresChanged,
}

/// What reading the lake into a store did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RebuildReport {
    /// Partitions read.
    pub partitions: u64,
    /// Rows read that tell of a message of the business.
    pub facts: u64,
}

/// The facts of lines until they are applied.
#[derive(Default)]
pub(crate) struct Waiting {
    erasures: Erasures,
    updates: Updates,
    /// Messages of which an erased person's lines were left out.
    erased: BTreeSet<String>,
}

impl Waiting {
    /// For lines that are read from now on.
    pub(crate) async fn begin(lake: &Lake) -> Result<Self, LakeError> {
        Ok(Self { erasures: lake.erasures().await?, ..Self::default() })
    }

    /// Takes a line that the lake takes.
    pub(crate) fn push_line(&mut self, line: &[u8]) {
        let Some(fact) = Fact::from_line(line) else { return };
        if !self.erasures.is_empty() && is_erased(&fact, &self.erasures) {
            self.erased.extend(fact.into_update().map(|update| update.message_id));
        } else {
            self.updates.push(fact);
        }
    }

    /// Whether it is to be applied before more lines come.
    pub(crate) fn is_full(&self) -> bool {
        self.updates.len() + self.erased.len() >= MOST_WAITING
    }

    /// Applies everything. After an error the lines must come again.
    pub(crate) async fn apply(self, lake: &Lake, store: &dyn LookupStore) -> Result<(), LookupsError> {
        // The lake leaves out whom it knows to be erased at the moment of the commit.
        if lake.erasures().await? != self.erasures {
            return Err(LookupsError::ErasuresChanged);
        }
        apply(store, self.updates).await?;
        if !self.erased.is_empty() {
            derive_again(lake, store, &self.erased).await?;
        }
        Ok(())
    }
}

fn is_erased(fact: &Fact, erasures: &Erasures) -> bool {
    let time = erasure_time(fact.event_ts, fact.received_at);
    let others = [fact.participant.as_deref(), fact.guest_name.as_deref()];
    erasures.forgets(fact.wa_id.as_deref(), fact.user_id.as_deref(), &others, time)
}

async fn apply(store: &dyn LookupStore, mut updates: Updates) -> Result<(), StoreError> {
    let mut updates = updates.take();
    while !updates.is_empty() {
        let rest = updates.split_off(updates.len().min(CALL_MESSAGES));
        store.apply(std::mem::replace(&mut updates, rest)).await?;
    }
    Ok(())
}

/// Makes the store from the lake alone. Webhooks may go on meanwhile: what they apply is in raw objects, too, and comes
/// to the lake and to the store again.
///
/// # Errors
/// The lake's and the store's. Run it again.
pub async fn rebuild(lake: &Lake, store: &dyn LookupStore) -> Result<RebuildReport, LookupsError> {
    store.clear().await?;
    feed_from_lake(lake, store, None).await
}

/// Derives some messages anew from the lake: after rows were erased, or where a store is thought to differ. Reads the
/// whole lake.
///
/// # Errors
/// The lake's and the store's. Run it again.
pub async fn derive_again(
    lake: &Lake,
    store: &dyn LookupStore,
    message_ids: &BTreeSet<String>,
) -> Result<RebuildReport, LookupsError> {
    store.remove(&message_ids.iter().cloned().collect::<Vec<_>>()).await?;
    feed_from_lake(lake, store, Some(message_ids)).await
}

/// Removes a person from the store, after the lake has forgotten the person: the messages that `named` lists, and those
/// to the person that the lake does not hold yet, are derived anew from the lake.
///
/// # Errors
/// The lake's and the store's. Run it again with the same list.
pub async fn erase(
    lake: &Lake,
    store: &dyn LookupStore,
    person: &Person,
    named: BTreeSet<String>,
) -> Result<RebuildReport, LookupsError> {
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

/// The messages of which the lake holds a row that names a person: as recipient, as member of a group, as who clicked
/// or answered. Ask before the person is erased.
///
/// # Errors
/// The lake's.
pub async fn messages_naming(lake: &Lake, person: &Person) -> Result<BTreeSet<String>, LakeError> {
    let person = Erasures::of(person)?;
    let mut found = BTreeSet::new();
    for partition in days(lake).await? {
        let mut visit = |batch: &RecordBatch| {
            let named = facts(partition.table, batch).into_iter().filter(|fact| is_erased(fact, &person));
            found.extend(named.filter_map(Fact::into_update).map(|update| update.message_id));
        };
        lake.scan_partition(partition, &COLUMNS, &mut visit).await?;
    }
    Ok(found)
}

/// The partitions of [`TABLES`], day by day: most facts of a message are of one day, and are merged before they reach
/// the store.
async fn days(lake: &Lake) -> Result<Vec<Partition>, LakeError> {
    let mut partitions = lake.partitions(None).await?;
    partitions.retain(|partition| TABLES.contains(&partition.table));
    partitions.sort_by_key(|partition| (partition.date, partition.table));
    Ok(partitions)
}

async fn feed_from_lake(
    lake: &Lake,
    store: &dyn LookupStore,
    only: Option<&BTreeSet<String>>,
) -> Result<RebuildReport, LookupsError> {
    let (mut report, mut updates) = (RebuildReport::default(), Updates::default());
    let partitions = days(lake).await?;
    let mut dates = partitions.iter().map(|partition| partition.date).skip(1);
    for partition in &partitions {
        let mut visit = |batch: &RecordBatch| {
            for fact in facts(partition.table, batch) {
                let Some(update) = fact.into_update() else { continue };
                if only.is_none_or(|only| only.contains(&update.message_id)) {
                    report.facts += 1;
                    updates.merge(update);
                }
            }
        };
        lake.scan_partition(*partition, &COLUMNS, &mut visit).await?;
        report.partitions += 1;
        if dates.next() != Some(partition.date) || updates.len() > MOST_WAITING {
            apply(store, std::mem::take(&mut updates)).await?;
        }
    }
    Ok(report)
}

/// The rows of a batch as facts. A column that is missing is unknown.
fn facts(table: Table, batch: &RecordBatch) -> Vec<Fact> {
    let text = |name: &str, row: usize| -> Option<String> {
        let column = batch.column_by_name(name)?.as_string_opt::<i32>()?;
        column.is_valid(row).then(|| column.value(row).to_owned())
    };
    let time = |name: &str, row: usize| -> Option<i64> {
        let column = batch.column_by_name(name)?.as_primitive_opt::<TimestampMillisecondType>()?;
        column.is_valid(row).then(|| column.value(row))
    };
    let integer = |name: &str, row: usize| -> Option<i64> {
        let column = batch.column_by_name(name)?.as_primitive_opt::<Int64Type>()?;
        column.is_valid(row).then(|| column.value(row))
    };
    let truth = |name: &str, row: usize| -> Option<bool> {
        let column = batch.column_by_name(name)?.as_boolean_opt()?;
        column.is_valid(row).then(|| column.value(row))
    };
    let fact = |row| Fact {
        table: table.name().to_owned(),
        event_ts: time("event_ts", row).unwrap_or_default(),
        received_at: time("received_at", row).unwrap_or_default(),
        provider: text("provider", row),
        message_id: text("message_id", row),
        context_message_id: text("context_message_id", row),
        status: text("status", row),
        kind: text("kind", row),
        source: text("source", row),
        r#type: text("type", row),
        wa_id: text("wa_id", row),
        user_id: text("user_id", row),
        participant: text("participant", row),
        group_id: text("group_id", row),
        error_code: integer("error_code", row),
        error_title: text("error_title", row),
        error_message: text("error_message", row),
        template_name: text("template_name", row),
        message_type: text("message_type", row),
        standalone: truth("standalone", row),
        event_id: text("event_id", row),
        event_registration_id: text("event_registration_id", row),
        guest_id: text("guest_id", row),
        guest_name: text("guest_name", row),
    };
    (0..batch.num_rows()).map(fact).collect()
}
