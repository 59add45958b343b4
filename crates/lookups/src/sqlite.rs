//! The embedded look-up store: one SQLite file in its own directory, for a single machine.
//!
//! A single thread writes. Updates that arrive while it is busy share the next transaction. Readers use separate
//! connections and do not wait for the writer (write-ahead log). A committed transaction survives a crash of the
//! process. After a power failure the last transactions may be lost; the transform or a rebuild applies them again.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, ErrorCode, OptionalExtension, ToSql, Transaction, TransactionBehavior, params};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::fact::Update;
use crate::filter::{Filter, Index, Position};
use crate::item::{Item, State};
use crate::registers::Merge;
use crate::store::{Entry, LookupStore, StoreError};

/// Name of the file in the directory.
const FILE: &str = "lookups.sqlite3";
/// Version of the tables in the file (SQLite's `user_version`).
const SCHEMA_VERSION: i64 = 2;
/// Maximum number of calls that wait for the writer. Further calls fail because the store is busy.
const WAITING_CALLS: usize = 4_096;
/// Maximum number of calls that share a transaction.
const CALLS_PER_TRANSACTION: usize = 512;
/// Maximum number of concurrent read connections.
const READERS: usize = 4;
/// Maximum time that a connection waits for another process's lock.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// `status` is null if no send and no status is known; such an item appears in no list.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS messages (
  message_id TEXT PRIMARY KEY, item TEXT NOT NULL, sent_at INTEGER NOT NULL, registration_id TEXT, event_id TEXT, guest_id TEXT,
  recipient_id TEXT, template_name TEXT, standalone INTEGER NOT NULL, status TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_registration ON messages (registration_id, sent_at DESC, message_id) WHERE registration_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_event ON messages (event_id, sent_at DESC, message_id) WHERE event_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_guest ON messages (guest_id, sent_at DESC, message_id) WHERE guest_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_recipient ON messages (recipient_id, sent_at DESC, message_id) WHERE recipient_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_template ON messages (template_name, sent_at DESC, message_id) WHERE template_name IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_standalone ON messages (standalone, sent_at DESC, message_id);
CREATE INDEX IF NOT EXISTS by_time ON messages (sent_at DESC, message_id);
";

const UPSERT: &str = "
INSERT INTO messages (message_id, item, sent_at, registration_id, event_id, guest_id, recipient_id, template_name, standalone, status)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT (message_id) DO UPDATE SET
  item = ?2, sent_at = ?3, registration_id = ?4, event_id = ?5, guest_id = ?6, recipient_id = ?7, template_name = ?8, standalone = ?9, status = ?10";

const ONE: &str = "SELECT item FROM messages WHERE message_id = ?1";

/// A call to the writer thread, and the channel for its answer.
enum Call {
    Apply(Vec<Update>, oneshot::Sender<Result<Vec<Entry>, StoreError>>),
    Replace(Box<Replacement>, oneshot::Sender<Result<bool, StoreError>>),
    Clear(oneshot::Sender<Result<(), StoreError>>),
}

/// Replacement of an item by another one.
struct Replacement {
    message_id: String,
    before: Item,
    after: Option<Item>,
}

/// An answer that is sent after the transaction is committed.
enum Answer {
    Entries(Vec<Entry>, oneshot::Sender<Result<Vec<Entry>, StoreError>>),
    Replaced(bool, oneshot::Sender<Result<bool, StoreError>>),
    Done(oneshot::Sender<Result<(), StoreError>>),
}

/// A look-up store in a local directory.
pub struct SqliteStore {
    calls: mpsc::Sender<Call>,
    readers: Arc<Readers>,
}

struct Readers {
    file: PathBuf,
    turns: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                StoreError::Unusable(format!("{error}; delete the directory and run `bluetick lookups rebuild`"))
            }
            _ => StoreError::unavailable(error),
        }
    }
}

impl SqliteStore {
    /// Opens the store in `directory`, which is created if it does not exist.
    ///
    /// # Errors
    /// The directory or the file cannot be created or read, or the file has another version.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        std::fs::create_dir_all(directory).map_err(StoreError::unavailable)?;
        let file = directory.join(FILE);
        let connection = connect(&file)?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version != 0 && version != SCHEMA_VERSION {
            let file = file.display();
            return Err(StoreError::Unusable(format!(
                "{file} is of version {version}, not {SCHEMA_VERSION}; delete it and run `bluetick lookups rebuild`"
            )));
        }
        connection.execute_batch(SCHEMA)?;
        connection.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        let (calls, waiting) = mpsc::channel(WAITING_CALLS);
        std::thread::Builder::new()
            .name("lookups".to_owned())
            .spawn(move || write_all(connection, waiting))
            .map_err(StoreError::unavailable)?;
        let readers = Readers { file, turns: Semaphore::new(READERS), idle: Mutex::default() };
        Ok(Self { calls, readers: Arc::new(readers) })
    }

    async fn call<T>(
        &self,
        make: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Call,
    ) -> Result<T, StoreError> {
        let (sender, answer) = oneshot::channel();
        self.calls.try_send(make(sender)).map_err(|_| StoreError::unavailable("too many calls are waiting"))?;
        answer.await.map_err(|_| StoreError::unavailable("the writer has ended"))?
    }

    /// Runs a query on its own connection, on a thread that may block.
    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let readers = Arc::clone(&self.readers);
        // The semaphore is never closed.
        let _turn = self.readers.turns.acquire().await.ok();
        tokio::task::spawn_blocking(move || {
            let idle = readers.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = idle.map_or_else(|| connect(&readers.file), Ok)?;
            let result = query(&connection)?;
            readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            Ok(result)
        })
        .await
        .map_err(StoreError::unavailable)?
    }
}

fn connect(file: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(LOCK_WAIT)?;
    // This pragma returns the mode in force.
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(connection)
}

/// The writer thread. It ends when the store is dropped.
fn write_all(mut connection: Connection, mut waiting: mpsc::Receiver<Call>) {
    while let Some(first) = waiting.blocking_recv() {
        let mut calls = vec![first];
        while calls.len() < CALLS_PER_TRANSACTION
            && let Ok(call) = waiting.try_recv()
        {
            calls.push(call);
        }
        // Dropping the answer channels tells the callers that the store did not apply their calls.
        match write(&mut connection, calls) {
            Ok(answers) => answers.into_iter().for_each(Answer::give),
            Err(error) => {
                tracing::warn!(%error, cause = std::error::Error::source(&error).map(ToString::to_string), "a transaction of the look-up store failed");
            }
        }
    }
}

fn write(connection: &mut Connection, calls: Vec<Call>) -> Result<Vec<Answer>, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut answers = Vec::with_capacity(calls.len());
    for call in calls {
        answers.push(match call {
            Call::Apply(updates, sender) => {
                let entries = updates.into_iter().map(|update| apply_one(&transaction, update));
                Answer::Entries(entries.collect::<Result<_, _>>()?, sender)
            }
            Call::Replace(replacement, sender) => Answer::Replaced(replace_one(&transaction, *replacement)?, sender),
            Call::Clear(sender) => {
                transaction.execute("DELETE FROM messages", [])?;
                Answer::Done(sender)
            }
        });
    }
    transaction.commit()?;
    Ok(answers)
}

impl Answer {
    /// Sends the answer. If the caller is gone, the answer is dropped.
    fn give(self) {
        match self {
            Answer::Entries(entries, sender) => _ = sender.send(Ok(entries)),
            Answer::Replaced(replaced, sender) => _ = sender.send(Ok(replaced)),
            Answer::Done(sender) => _ = sender.send(Ok(())),
        }
    }
}

fn parse(text: &str) -> Result<Item, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Unusable(format!("an item cannot be read: {error}")))
}

fn apply_one(transaction: &Transaction<'_>, update: Update) -> Result<Entry, StoreError> {
    let Update { message_id, item: added } = update;
    let before = read_one(transaction, &message_id)?;
    let mut item = before.clone().unwrap_or_default();
    item.merge(added);
    if before.as_ref() != Some(&item) {
        write_one(transaction, &message_id, &item)?;
    }
    Ok((message_id, item))
}

fn replace_one(transaction: &Transaction<'_>, replacement: Replacement) -> Result<bool, StoreError> {
    let Replacement { message_id, before, after } = replacement;
    if read_one(transaction, &message_id)? != Some(before) {
        return Ok(false);
    }
    match after {
        Some(item) => write_one(transaction, &message_id, &item)?,
        None => {
            transaction.prepare_cached("DELETE FROM messages WHERE message_id = ?1")?.execute([message_id])?;
        }
    }
    Ok(true)
}

fn read_one(transaction: &Transaction<'_>, message_id: &str) -> Result<Option<Item>, StoreError> {
    let found: Option<String> =
        transaction.prepare_cached(ONE)?.query_row([message_id], |row| row.get(0)).optional()?;
    found.as_deref().map(parse).transpose()
}

fn write_one(transaction: &Transaction<'_>, message_id: &str, item: &Item) -> Result<(), StoreError> {
    let text = serde_json::to_string(item).map_err(StoreError::unavailable)?;
    transaction.prepare_cached(UPSERT)?.execute(params![
        message_id,
        text,
        item.sent_at.get().unwrap_or_default(),
        item.registration_id.get(),
        item.event_id.get(),
        item.guest_id.get(),
        item.recipient_id(),
        item.template_name.get(),
        item.is_standalone(),
        item.is_known().then(|| item.state().name()),
    ])?;
    Ok(())
}

/// The SQL query that lists messages by an index. The first condition that is set determines the index; the others
/// are compared.
fn list_query(filter: &Filter) -> &'static str {
    macro_rules! query {
        ($index:literal, $condition:literal) => {
            concat!(
                "SELECT message_id, item FROM messages INDEXED BY ",
                $index,
                " WHERE ",
                $condition,
                " AND status IS NOT NULL AND sent_at <= ?7 AND (sent_at < ?7 OR message_id > ?8)",
                " AND (?1 IS NULL OR registration_id = ?1) AND (?2 IS NULL OR event_id = ?2) AND (?3 IS NULL OR guest_id = ?3)",
                " AND (?4 IS NULL OR recipient_id = ?4) AND (?5 IS NULL OR template_name = ?5)",
                " AND (?6 IS NULL OR standalone = ?6) AND (?10 IS NULL OR status = ?10) ORDER BY sent_at DESC, message_id LIMIT ?9"
            )
        };
    }
    match filter.index().0 {
        Index::Registration => query!("by_registration", "registration_id = ?1"),
        Index::Event => query!("by_event", "event_id = ?2"),
        Index::Guest => query!("by_guest", "guest_id = ?3"),
        Index::Recipient => query!("by_recipient", "recipient_id = ?4"),
        Index::Template => query!("by_template", "template_name = ?5"),
        Index::Standalone if filter.standalone.is_some() => query!("by_standalone", "standalone = ?6"),
        Index::Standalone => query!("by_time", "TRUE"),
    }
}

#[async_trait]
impl LookupStore for SqliteStore {
    async fn apply(&self, updates: Vec<Update>) -> Result<Vec<Entry>, StoreError> {
        if updates.is_empty() {
            return Ok(Vec::new());
        }
        self.call(|sender| Call::Apply(updates, sender)).await
    }

    async fn get(&self, message_ids: &[String]) -> Result<Vec<Entry>, StoreError> {
        let message_ids = message_ids.to_vec();
        self.read(move |connection| {
            let mut one = connection.prepare_cached(ONE)?;
            let mut entries = Vec::with_capacity(message_ids.len());
            for message_id in message_ids {
                let found: Option<String> = one.query_row([&message_id], |row| row.get(0)).optional()?;
                if let Some(text) = found {
                    entries.push((message_id, parse(&text)?));
                }
            }
            Ok(entries)
        })
        .await
    }

    async fn list(&self, filter: &Filter, after: Option<&Position>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let filter = filter.clone();
        let (sent_at, message_id) =
            after.map_or((i64::MAX, String::new()), |after| (after.sent_at, after.message_id.clone()));
        let status = filter.status.map(State::name);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(move |connection| {
            let mut query = connection.prepare_cached(list_query(&filter))?;
            let parameters: [&dyn ToSql; 10] = [
                &filter.registration_id,
                &filter.event_id,
                &filter.guest_id,
                &filter.recipient_id,
                &filter.template_name,
                &filter.standalone,
                &sent_at,
                &message_id,
                &limit,
                &status,
            ];
            let mut rows = query.query(parameters)?;
            let mut entries = Vec::new();
            while let Some(row) = rows.next()? {
                let text: String = row.get(1)?;
                entries.push((row.get(0)?, parse(&text)?));
            }
            Ok(entries)
        })
        .await
    }

    async fn replace(&self, message_id: &str, before: &Item, after: Option<Item>) -> Result<bool, StoreError> {
        let replacement = Replacement { message_id: message_id.to_owned(), before: before.clone(), after };
        self.call(|sender| Call::Replace(Box::new(replacement), sender)).await
    }

    async fn clear(&self) -> Result<(), StoreError> {
        self.call(Call::Clear).await
    }
}
