//! Optimistic concurrency: read, plan, write conditionally, and start again if the write's outcome is unclear.
//!
//! Commits, erasures, sweeps and metadata records change objects that other processes change, too. All of them use the
//! loop [`Lake::retry`]. Commits, erasures, fences and the compaction of ended days share [`Lake::replace_parts`].

use std::time::Duration;

use object_store::{PutMode, PutOptions};

use crate::error::LakeError;
use crate::lake::Lake;
use crate::manifest::{Manifest, read_manifest, render};
use crate::outcome::{PutOutcome, classify, is_ours};
use crate::part::Part;
use crate::partition::Partition;

/// Waits between attempts. Each wait is random, between 0 and a limit. The limit of the first wait is twice
/// `FIRST_WAIT`; it doubles with each attempt up to `LONGEST_WAIT`.
const FIRST_WAIT: Duration = Duration::from_millis(20);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Result of one attempt.
pub(crate) enum Step<T> {
    /// The operation is complete.
    Done(T),
    /// The operation must be attempted again. Holds the error of the write, if that is the reason.
    Again(Option<object_store::Error>),
}

/// An operation that [`Lake::retry`] attempts until it is complete.
pub(crate) trait Attempt: Send {
    /// Result of the complete operation.
    type Output: Send;

    /// Path or name of the object that other processes may be changing, for error messages.
    fn object(&self) -> String;

    /// Makes one attempt.
    fn once(&mut self, lake: &Lake) -> impl Future<Output = Result<Step<Self::Output>, LakeError>> + Send;
}

/// A change to the parts of a partition. It is planned again for each manifest that is read.
pub(crate) trait PartsChange: Send {
    /// Whether a lost manifest is rebuilt from the parts of the partition before the change is planned.
    const REPAIRS_FIRST: bool = true;

    /// Discards all state that can be out of date. Called before the first attempt, and before an attempt that follows
    /// so late that older state must not be published, or after the clock was set back (rule R4). The default discards
    /// nothing. It suits a change that keeps only what it has read from parts, because parts never change.
    fn restart(&mut self, _lake: &Lake) -> impl Future<Output = Result<(), LakeError>> + Send {
        std::future::ready(Ok(()))
    }

    /// Plans the change for this manifest and writes the new part. On entry `replacement` holds the plan of the
    /// previous attempt, which may still be valid. If `replacement` is `None` when the method returns, the partition
    /// needs no change.
    fn plan(
        &mut self,
        lake: &Lake,
        manifest: &Manifest,
        replacement: &mut Option<Replacement>,
    ) -> impl Future<Output = Result<(), LakeError>> + Send;
}

/// A new part that replaces others. Every publication adds a part under a new name, so no two versions of a manifest
/// are equal (rule R8).
pub(crate) struct Replacement {
    /// The new part. No manifest references it yet.
    pub(crate) part: Part,
    /// File names of the parts that it replaces.
    pub(crate) replaces: Vec<String>,
}

impl Replacement {
    /// Whether the manifest still references all parts that are to be replaced.
    pub(crate) fn fits(&self, manifest: &Manifest) -> bool {
        self.replaces.iter().all(|name| manifest.parts.contains(name))
    }
}

/// Result of [`Lake::replace_parts`].
pub(crate) struct Replaced {
    /// The published replacement; `None` if the partition needed no change.
    pub(crate) published: Option<Replacement>,
    /// File names of the partition's parts after the operation.
    pub(crate) parts: Vec<String>,
    /// Total number of attempts.
    pub(crate) attempts: u64,
    /// Attempts that conflicted with another writer, or whose write had no clear outcome.
    pub(crate) conflicts: u64,
}

struct ReplaceParts<'a, C> {
    partition: Partition,
    change: &'a mut C,
    started_ms: Option<i64>,
    replacement: Option<Replacement>,
    attempts: u64,
    conflicts: u64,
}

impl<C: PartsChange> Attempt for ReplaceParts<'_, C> {
    type Output = Replaced;

    fn object(&self) -> String {
        self.partition.to_string()
    }

    async fn once(&mut self, lake: &Lake) -> Result<Step<Replaced>, LakeError> {
        self.attempts += 1;
        let started_ms = match self.started_ms.filter(|started_ms| !lake.is_late(*started_ms)) {
            Some(started_ms) => started_ms,
            None => {
                self.replacement = None;
                // Read the clock before anything else, so that all data read afterwards is younger than this time.
                let now_ms = lake.environment.now_ms();
                self.change.restart(lake).await?;
                *self.started_ms.insert(now_ms)
            }
        };
        let manifest = read_manifest(&*lake.store, &lake.base_uri, self.partition).await?;
        if self.replacement.as_ref().is_some_and(|replacement| is_ours(&manifest, &replacement.part.name)) {
            return Ok(self.done(manifest.parts));
        }
        let is_lost = C::REPAIRS_FIRST && manifest.parts.is_empty();
        if is_lost && lake.repair_before_first_commit(self.partition, &manifest).await? {
            self.conflicts += 1;
            return Ok(Step::Again(None));
        }
        match self.change.plan(lake, &manifest, &mut self.replacement).await {
            Err(error) if error.is_not_found() => {
                lake.confirm_changed(self.partition, &manifest, &error).await?;
                self.conflicts += 1;
                return Ok(Step::Again(None));
            }
            other => other?,
        }
        let Some(replacement) = &self.replacement else { return Ok(self.done(manifest.parts)) };
        let parts = replaced(&manifest, replacement);
        if lake.is_late(started_ms) {
            return Ok(Step::Again(None));
        }
        match lake.publish(self.partition, &manifest, &parts).await {
            PutOutcome::Written => Ok(self.done(parts)),
            PutOutcome::Unclear(error) => {
                tracing::debug!(partition = %self.partition, %error, "the manifest's write had no clear outcome");
                self.conflicts += 1;
                Ok(Step::Again(Some(error)))
            }
            PutOutcome::Impossible(error) => Err(error.into()),
        }
    }
}

impl<C> ReplaceParts<'_, C> {
    fn done(&mut self, parts: Vec<String>) -> Step<Replaced> {
        let published = self.replacement.take();
        Step::Done(Replaced { published, parts, attempts: self.attempts, conflicts: self.conflicts })
    }
}

/// The list of parts of a manifest after a replacement.
fn replaced(manifest: &Manifest, replacement: &Replacement) -> Vec<String> {
    let kept = manifest.parts.iter().filter(|name| !replacement.replaces.contains(name));
    kept.chain([&replacement.part.name]).cloned().collect()
}

impl Lake {
    /// Repeats an attempt until it is complete, with a wait before each retry.
    ///
    /// # Errors
    /// The attempt's own error; [`LakeError::Contention`] with the last write's error after `max_attempts` attempts.
    pub(crate) async fn retry<A: Attempt>(&self, attempt: &mut A) -> Result<A::Output, LakeError> {
        let mut last = None;
        for number in 0..self.options.max_attempts {
            if number > 0 {
                self.back_off(number).await;
            }
            match attempt.once(self).await? {
                Step::Done(output) => return Ok(output),
                Step::Again(error) => last = error.or(last),
            }
        }
        Err(LakeError::Contention { object: attempt.object(), attempts: self.options.max_attempts, last })
    }

    /// Replaces parts of a partition by the part that `change` writes, on condition that the manifest has not changed
    /// since it was read.
    pub(crate) async fn replace_parts<C: PartsChange>(
        &self,
        partition: Partition,
        change: &mut C,
    ) -> Result<Replaced, LakeError> {
        let mut attempt =
            ReplaceParts { partition, change, started_ms: None, replacement: None, attempts: 0, conflicts: 0 };
        self.retry(&mut attempt).await
    }

    /// Rule R4: whether data read or written at `since_ms` (milliseconds since 1970) is too old to publish. If the
    /// clock was set back, the elapsed time is unknown and also counts as too old.
    pub(crate) fn is_late(&self, since_ms: i64) -> bool {
        let elapsed = self.environment.now_ms().saturating_sub(since_ms);
        u128::try_from(elapsed).map_or(true, |elapsed| elapsed > self.options.publish_deadline.as_millis())
    }

    /// Writes a manifest of these parts, on condition that it has not changed since it was read.
    pub(crate) async fn publish(&self, partition: Partition, manifest: &Manifest, parts: &[String]) -> PutOutcome {
        let text = render(parts, &self.base_uri, partition);
        let mode = manifest.version.clone().map_or(PutMode::Create, PutMode::Update);
        let options = PutOptions { mode, ..PutOptions::default() };
        classify(self.store.put_opts(&partition.manifest_path(), text.into(), options).await)
    }

    /// Handles a referenced part that was not found. It is an error if the manifest has not changed since it was
    /// read.
    async fn confirm_changed(
        &self,
        partition: Partition,
        manifest: &Manifest,
        error: &LakeError,
    ) -> Result<(), LakeError> {
        let current = read_manifest(&*self.store, &self.base_uri, partition).await?;
        if current.parts != manifest.parts {
            return Ok(());
        }
        let part = match error {
            LakeError::Store(object_store::Error::NotFound { path, .. }) => path.clone(),
            other => other.to_string(),
        };
        Err(LakeError::MissingPart { partition, part })
    }

    async fn back_off(&self, attempt: u32) {
        let longest = FIRST_WAIT.saturating_mul(2u32.saturating_pow(attempt.min(10))).min(LONGEST_WAIT);
        let millis = u128::max(longest.as_millis(), 1);
        let jitter = u64::try_from(self.environment.random() % millis).unwrap_or_default();
        self.environment.sleep(Duration::from_millis(jitter)).await;
    }
}
