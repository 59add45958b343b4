//! Adds the lines of a batch of raw objects to the lake. Lines are staged (parsed and held in memory, by partition) up
//! to the memory limit or the end of the batch, and then committed partition by partition. An object is complete when
//! each of its lines is committed or stored under
//! `rejected/`.

use std::collections::BTreeSet;
use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bluetick_lake::{CommitReport, Lake, LakeError, PartitionBatch, Reason, Staging};
use bluetick_lookups::LookupStore;
use bluetick_storage::Content;
use futures::{FutureExt, TryStreamExt};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::Instrument;

use crate::lines::{LineReader, LineSink};
use crate::lookups;
use crate::raw::Source;
use crate::rejects::Rejects;

/// Size of staged rows in bytes that triggers a commit; about half of it is spare capacity of buffers. Including
/// decoder and merge, the process stays below 512 MB of memory.
pub const DEFAULT_FLUSH_BYTES: usize = 112 * 1024 * 1024;
/// Number of partitions that are committed concurrently.
const CONCURRENT_COMMITS: usize = 4;
/// Minimum time between two reads of the notes about rows that the look-up store lacks, because each read lists a
/// folder.
const NOTES_INTERVAL_MS: i64 = 5 * 60 * 1_000;
/// Number of compressed bytes decoded at once. The memory limit is checked after each chunk, and gzip expands at most
/// about 1,000-fold.
const CHUNK_BYTES: usize = 4 * 1024;

/// Counts of a finished batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchReport {
    /// Objects whose lines are all committed or rejected.
    pub objects: u64,
    /// Number of lines read from raw objects.
    pub lines: u64,
    /// Rows added to the lake.
    pub new: u64,
    /// Rows that were already in the lake, or that occurred more than once in the batch.
    pub duplicates: u64,
    /// Rows left out because they belong to an erased person.
    pub erased: u64,
    /// Lines stored under `rejected/`.
    pub rejected: u64,
    /// Commits that published a new manifest for a partition.
    pub commits: u64,
    /// Commit attempts that conflicted with another writer, or whose outcome was unclear.
    pub conflicts: u64,
    /// Total bytes of all written parts.
    pub bytes_written: u64,
    /// Notes written to the lake about committed rows that the look-up store did not accept. A later batch applies
    /// these rows.
    pub lookups_deferred: u64,
    /// Indexes of the objects in the batch that must be retried.
    pub failed: BTreeSet<usize>,
}

impl BatchReport {
    /// Rule R6 (conservation): every line was new, a duplicate, of an erased person, or rejected. Holds only for a
    /// batch without failures: the lines of a failed commit are in none of the counts.
    pub fn is_conserved(&self) -> bool {
        self.lines == self.new + self.duplicates + self.erased + self.rejected
    }

    fn add_commit(&mut self, commit: &CommitReport) {
        self.new += commit.new;
        self.duplicates += commit.duplicates;
        self.erased += commit.erased;
        self.commits += u64::from(commit.new > 0);
        self.conflicts += commit.conflicts;
        self.bytes_written += commit.bytes_written;
    }
}

impl AddAssign<&BatchReport> for BatchReport {
    /// Adds the counts of another batch. The indexes of its failed objects are left out, because they are only valid
    /// in that batch.
    fn add_assign(&mut self, other: &BatchReport) {
        self.objects += other.objects;
        self.lines += other.lines;
        self.new += other.new;
        self.duplicates += other.duplicates;
        self.erased += other.erased;
        self.rejected += other.rejected;
        self.commits += other.commits;
        self.conflicts += other.conflicts;
        self.bytes_written += other.bytes_written;
        self.lookups_deferred += other.lookups_deferred;
    }
}

/// Collects the lines of the objects until they are committed.
#[derive(Default)]
struct Collector {
    staging: Staging,
    lines: u64,
    /// Rejected lines of the object that is currently read.
    rejects: Rejects,
    /// Number of the object's next group of rejected lines.
    group: u64,
    /// When the object was opened, in milliseconds since 1970.
    now_ms: i64,
}

impl LineSink for Collector {
    fn line(&mut self, line: &[u8]) {
        self.lines += 1;
        if let Err(rejection) = self.staging.push_line_at(line, self.now_ms) {
            self.rejects.push(rejection.reason, line);
        }
    }

    fn overlong(&mut self, start: &[u8]) {
        self.lines += 1;
        self.rejects.push(Reason::LineTooLong, start);
    }
}

/// Why a raw object could not be moved into the lake.
#[derive(Debug, thiserror::Error)]
enum ObjectError {
    #[error("failed to read the object")]
    Fetch(#[from] object_store::Error),
    #[error("the object is corrupt or truncated gzip")]
    Decode(#[from] std::io::Error),
    #[error("failed to commit rows")]
    Lake(#[from] LakeError),
    #[error("neither the look-up store nor the notes of what it lacks could be written")]
    Lookups(#[from] lookups::LookupsError),
    #[error("deadline exceeded")]
    Deadline,
}

/// Moves raw objects into a lake.
pub struct Transform {
    lake: Arc<Lake>,
    flush_bytes: usize,
    lookups: Option<Arc<dyn LookupStore>>,
    /// When the notes about rows that the look-up store lacks were last read, in milliseconds since 1970.
    notes_read_ms: AtomicI64,
}

/// State of a batch in progress.
struct Run<'a> {
    transform: &'a Transform,
    deadline: Option<Instant>,
    collector: Collector,
    /// Objects with lines that are not yet committed.
    open: BTreeSet<usize>,
    report: BatchReport,
}

impl Transform {
    /// Creates a transform into `lake` that commits when `flush_bytes` are staged.
    pub fn new(lake: Lake, flush_bytes: usize) -> Self {
        Self { lake: Arc::new(lake), flush_bytes, lookups: None, notes_read_ms: AtomicI64::new(i64::MIN) }
    }

    /// The same transform, which also applies the rows to a look-up store. An object is then complete only when the
    /// look-up store has its rows or a note in the lake records that it lacks them.
    #[must_use]
    pub fn with_lookups(self, lookups: Option<Arc<dyn LookupStore>>) -> Self {
        Self { lookups, ..self }
    }

    /// The lake that rows are moved into.
    pub fn lake(&self) -> &Lake {
        &self.lake
    }

    /// Adds the lines of a batch to the lake. Stops before `deadline`; objects that are not complete by then are
    /// reported as failed. Some commits with lines of a failed object may be visible, but never a part of a commit.
    /// When the object is retried, the rows of these commits count as duplicates. `progress` is called with the index
    /// of each object that was read.
    pub async fn run(
        &self,
        sources: &[Source],
        deadline: Option<Instant>,
        mut progress: impl FnMut(usize),
    ) -> BatchReport {
        let mut run = Run {
            transform: self,
            deadline,
            collector: Collector { staging: self.lake.staging(), ..Collector::default() },
            open: BTreeSet::new(),
            report: BatchReport::default(),
        };
        for (number, source) in sources.iter().enumerate() {
            if let Err(error) = run.object(number, source).await {
                tracing::warn!(object = source.name(), %error, cause = cause(&error), "failed to move a raw object; it will be retried");
                run.report.failed.insert(number);
            }
            progress(number);
        }
        // `flush` has already recorded the failed objects.
        let _ = run.flush().await;
        if run.report.lookups_deferred == 0 {
            let applied = run.within_deadline(self.apply_due_lookups().boxed()).await;
            if applied.is_err() {
                tracing::warn!("no time was left for what the look-up store lacks; a later batch goes on");
            }
        }
        let mut report = run.report;
        report.objects = (sources.len() - report.failed.len()) as u64;
        if report.failed.is_empty() && !report.is_conserved() {
            tracing::error!(?report, "records in and out do not agree");
        }
        report
    }

    /// Applies rows that the look-up store did not accept earlier. Reads the notes about them at most once per
    /// [`NOTES_INTERVAL_MS`]. A failure is logged, and a later call continues.
    pub async fn apply_due_lookups(&self) {
        let Some(store) = &self.lookups else { return };
        let now_ms = self.lake.now_ms();
        if now_ms < self.notes_read_ms.load(Ordering::Relaxed).saturating_add(NOTES_INTERVAL_MS) {
            return;
        }
        match lookups::apply_due(&self.lake, &**store).await {
            Ok(notes) => {
                self.notes_read_ms.store(now_ms, Ordering::Relaxed);
                if notes > 0 {
                    tracing::info!(notes, "the look-up store has taken what it lacked");
                }
            }
            Err(error) => tracing::warn!(%error, cause = cause(&error), "the look-up store still lacks rows"),
        }
    }
}

fn cause(error: &dyn std::error::Error) -> Option<String> {
    error.source().map(ToString::to_string)
}

impl Run<'_> {
    fn check_deadline(&self) -> Result<(), ObjectError> {
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(ObjectError::Deadline),
            _ => Ok(()),
        }
    }

    async fn object(&mut self, number: usize, source: &Source) -> Result<(), ObjectError> {
        self.check_deadline()?;
        // Drop rejected lines of an object that failed midway. They are read and stored when the object is retried.
        self.collector.rejects = Rejects::default();
        self.collector.group = 0;
        self.collector.now_ms = self.transform.lake.now_ms();
        let Content { modified_ms, mut pieces } = source.read().await?;
        self.open.insert(number);
        let mut reader = LineReader::default();
        while let Some(bytes) = pieces.try_next().await? {
            self.check_deadline()?;
            for piece in bytes.chunks(CHUNK_BYTES) {
                reader.push(piece, &mut self.collector)?;
                self.keep_rejects(source, modified_ms).await?;
                if self.collector.staging.memory_bytes() >= self.transform.flush_bytes {
                    self.flush().await?;
                    self.open.insert(number);
                }
            }
        }
        reader.finish(&mut self.collector)?;
        self.collector.rejects.close_group();
        self.keep_rejects(source, modified_ms).await
    }

    /// Stores the complete groups of rejected lines.
    async fn keep_rejects(&mut self, source: &Source, modified_ms: i64) -> Result<(), ObjectError> {
        for group in self.collector.rejects.take_groups() {
            let number = self.collector.group;
            self.within_deadline(self.transform.lake.reject(source.name(), modified_ms, number, &group)).await??;
            self.collector.group += 1;
            self.report.rejected += group.len() as u64;
            tracing::warn!(object = source.name(), lines = group.len(), "lines were rejected");
        }
        Ok(())
    }

    /// Commits the staged rows. If a commit fails, all objects with staged lines have failed.
    async fn flush(&mut self) -> Result<(), ObjectError> {
        let result = self.commit().await;
        let open = std::mem::take(&mut self.open);
        if let Err(error) = &result {
            tracing::warn!(%error, cause = cause(error), objects = open.len(), "a commit failed");
            self.report.failed.extend(open);
        }
        result
    }

    async fn commit(&mut self) -> Result<(), ObjectError> {
        self.report.lines += std::mem::take(&mut self.collector.lines);
        let batches = self.collector.staging.drain()?;
        // Commit every partition even if another one fails. Keep the rows only if the look-up store needs them.
        let keep = self.transform.lookups.is_some();
        let commits = commit_all(&self.transform.lake, batches, keep);
        let (mut first_error, mut committed) = (None, Vec::new());
        for (outcome, batch) in self.within_deadline(commits).await? {
            committed.extend(batch);
            match outcome {
                Ok(commit) => self.report.add_commit(&commit),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        if let Some(error) = first_error {
            return Err(error.into());
        }
        self.feed_lookups(&committed).await
    }

    /// Applies committed rows to the look-up store, if there is one. If it does not accept them, writes a note to the
    /// lake.
    async fn feed_lookups(&mut self, batches: &[PartitionBatch]) -> Result<(), ObjectError> {
        let Some(store) = &self.transform.lookups else { return Ok(()) };
        let lake = &self.transform.lake;
        if let Err(error) = self.within_deadline(lookups::feed(lake, &**store, batches)).await? {
            tracing::warn!(%error, cause = cause(&error), "the look-up store lacks committed rows; a later batch applies them");
            self.within_deadline(lookups::note_due(lake, batches)).await??;
            self.report.lookups_deferred += 1;
            // The next batch reads the notes immediately.
            self.transform.notes_read_ms.store(i64::MIN, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn within_deadline<T>(&self, work: impl Future<Output = T>) -> Result<T, ObjectError> {
        match self.deadline {
            Some(deadline) => tokio::time::timeout_at(deadline, work).await.map_err(|_| ObjectError::Deadline),
            None => Ok(work.await),
        }
    }
}

/// Outcome of a commit, and its batch if the caller keeps batches.
type Committed = (Result<CommitReport, LakeError>, Option<PartitionBatch>);

/// Commits batches as tasks of the runtime, so that encoding uses all of its threads; at most [`CONCURRENT_COMMITS`] at a
/// time, because each holds memory. If this future is dropped, the commits stop.
async fn commit_all(lake: &Arc<Lake>, batches: Vec<PartitionBatch>, keep: bool) -> Vec<Committed> {
    let mut outcomes = Vec::with_capacity(batches.len());
    let mut running = JoinSet::new();
    let mut waiting = batches.into_iter();
    loop {
        while running.len() < CONCURRENT_COMMITS
            && let Some(batch) = waiting.next()
        {
            let lake = Arc::clone(lake);
            let commit = async move { (lake.commit(&batch).await, keep.then_some(batch)) };
            running.spawn(commit.in_current_span());
        }
        match running.join_next().await {
            Some(Ok(outcome)) => outcomes.push(outcome),
            // No commit is cancelled, so this is a panic. Lambda must see it as one.
            Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
            None => return outcomes,
        }
    }
}
