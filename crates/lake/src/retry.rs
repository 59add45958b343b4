//! The optimistic loop: read, decide, write conditionally, and start again unless the write clearly succeeded.
//!
//! Commits, erasures and metadata records all change an object that other processes change, too. [`Lake::retry`] is
//! their one loop; [`Lake::replace_parts`] is what commits and erasures share inside it.

use std::time::Duration;

use object_store::{PutMode, PutOptions};

use crate::error::LakeError;
use crate::lake::Lake;
use crate::manifest::{Manifest, read_manifest, render};
use crate::outcome::{PutOutcome, classify, is_ours};
use crate::part::Part;
use crate::partition::Partition;

/// Waits between attempts: doubled each time, with jitter.
const FIRST_WAIT: Duration = Duration::from_millis(20);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// What one attempt came to.
pub(crate) enum Step<T> {
    /// Done.
    Done(T),
    /// Start again; the error of the write, if that was the reason.
    Again(Option<object_store::Error>),
}

/// Something that is attempted until it is decided.
pub(crate) trait Attempt: Send {
    /// What it comes to.
    type Output: Send;

    /// The object that other processes may be changing, for error messages.
    fn object(&self) -> String;

    /// Attempts it once.
    fn once(&mut self, lake: &Lake) -> impl Future<Output = Result<Step<Self::Output>, LakeError>> + Send;
}

/// A change to the parts of a partition. It is planned anew on each manifest that is read.
pub(crate) trait PartsChange: Send {
    /// Forgets everything that was read: it is too old to publish on (rule R4).
    fn restart(&mut self, lake: &Lake) -> impl Future<Output = Result<(), LakeError>> + Send;

    /// Plans the change on this manifest, and writes the part for it. `replacement` holds the plan of the attempt
    /// before, which may still fit; `None` afterwards means that the partition stays as it is.
    fn plan(
        &mut self,
        lake: &Lake,
        manifest: &Manifest,
        replacement: &mut Option<Replacement>,
    ) -> impl Future<Output = Result<(), LakeError>> + Send;
}

/// A part that was written and is to take the place of others. Every publication adds a part under a new name, so no
/// manifest's text ever occurs twice (rule R8).
pub(crate) struct Replacement {
    /// The part, which no manifest references yet.
    pub(crate) part: Part,
    /// File names of the parts that it replaces.
    pub(crate) replaces: Vec<String>,
}

impl Replacement {
    /// Whether all parts that it replaces are still referenced.
    pub(crate) fn fits(&self, manifest: &Manifest) -> bool {
        self.replaces.iter().all(|name| manifest.parts.contains(name))
    }
}

/// What [`Lake::replace_parts`] came to.
pub(crate) struct Replaced {
    /// The replacement that was published, if there was one.
    pub(crate) published: Option<Replacement>,
    /// File names of the partition's parts afterwards.
    pub(crate) parts: Vec<String>,
    /// Attempts in all.
    pub(crate) attempts: u64,
    /// Attempts that met another writer, or whose write had no clear outcome.
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
                // The clock is read before anything else is: what is read later can only be younger.
                let now_ms = lake.environment.now_ms();
                self.change.restart(lake).await?;
                *self.started_ms.insert(now_ms)
            }
        };
        let manifest = read_manifest(&*lake.store, &lake.base_uri, self.partition).await?;
        if self.replacement.as_ref().is_some_and(|replacement| is_ours(&manifest, &replacement.part.name)) {
            return Ok(self.done(manifest.parts));
        }
        if manifest.parts.is_empty() && lake.repair_before_first_commit(self.partition, &manifest).await? {
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

/// The parts of a manifest after a replacement.
fn replaced(manifest: &Manifest, replacement: &Replacement) -> Vec<String> {
    let kept = manifest.parts.iter().filter(|name| !replacement.replaces.contains(name));
    kept.chain([&replacement.part.name]).cloned().collect()
}

impl Lake {
    /// Attempts something until it is decided, with a wait before each further attempt.
    ///
    /// # Errors
    /// The attempt's own; [`LakeError::Contention`] with the last write's error after `max_attempts` attempts.
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

    /// Replaces parts of a partition by the one that `change` writes, on the condition that the manifest is still the
    /// one that was read.
    pub(crate) async fn replace_parts<C: PartsChange>(
        &self,
        partition: Partition,
        change: &mut C,
    ) -> Result<Replaced, LakeError> {
        let mut attempt =
            ReplaceParts { partition, change, started_ms: None, replacement: None, attempts: 0, conflicts: 0 };
        self.retry(&mut attempt).await
    }

    /// Rule R4: whether something read or written at `since_ms` (milliseconds since 1970) is too old to publish on. A
    /// clock that was set back counts as late, too: the time that has passed is unknown.
    pub(crate) fn is_late(&self, since_ms: i64) -> bool {
        let elapsed = self.environment.now_ms().saturating_sub(since_ms);
        u128::try_from(elapsed).map_or(true, |elapsed| elapsed > self.options.publish_deadline.as_millis())
    }

    /// Writes a manifest of these parts, on the condition that it is still the one that was read.
    pub(crate) async fn publish(&self, partition: Partition, manifest: &Manifest, parts: &[String]) -> PutOutcome {
        let text = render(parts, &self.base_uri, partition);
        let mode = manifest.version.clone().map_or(PutMode::Create, PutMode::Update);
        let options = PutOptions { mode, ..PutOptions::default() };
        classify(self.store.put_opts(&partition.manifest_path(), text.into(), options).await)
    }

    /// Handles a referenced part that was not found: no error if the manifest has changed since it was read.
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
