//! The [`Lake`] type: its store, its URI, and what all operations share.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bluetick_storage::{IgnoredKeys, Location, Profile};
use object_store::ObjectStore;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::environment::{Environment, SystemEnvironment};
use crate::error::LakeError;
use crate::options::LakeOptions;
use crate::part::Part;
use crate::partition::Partition;
use crate::staging::Staging;

/// Number of footers cached in memory. Parts never change, so a warm process reads each footer only once.
const FOOTERS_KEPT: usize = 256;

/// Maximum number of large parts that all merges of a process read at the same time, because each takes memory: a fetched
/// row group and the rows decoded from it, up to about 25 MB.
const LARGE_PARTS_AT_ONCE: u32 = 8;

/// A lake. Share it with an `Arc`. Any number of processes may work on the same lake.
pub struct Lake {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) base_uri: String,
    pub(crate) options: LakeOptions,
    pub(crate) environment: Arc<dyn Environment>,
    /// The directory of a `file://` lake.
    pub(crate) directory: Option<PathBuf>,
    /// Prefix of the keys of the lake in `ignored`.
    key_prefix: String,
    /// Keys that listings left out, because no path represents them. The lake never writes such a key.
    ignored: IgnoredKeys,
    footers: Mutex<HashMap<String, Arc<Part>>>,
    large_parts: Semaphore,
}

impl Lake {
    /// Opens the lake at `s3://bucket/prefix`, `file:///directory` or `memory://name`. Does no I/O except to create the
    /// directory of a `file://` lake.
    ///
    /// # Errors
    /// [`LakeError::Url`] if the URL cannot be used.
    pub fn open(url: &str, options: LakeOptions) -> Result<Self, LakeError> {
        let Location { store, prefix, base_uri, directory, ignored, .. } = bluetick_storage::open(url, Profile::BATCH)?;
        let key_prefix = if prefix.as_ref().is_empty() { String::new() } else { format!("{prefix}/") };
        let lake = Self::with_store(below(store, prefix), &base_uri, options);
        Ok(Self { directory, key_prefix, ignored, ..lake })
    }

    /// Opens a lake in any store that supports conditional writes. `base_uri` is the URI of the store's root as other
    /// programs use it.
    pub fn with_store(store: Arc<dyn ObjectStore>, base_uri: &str, options: LakeOptions) -> Self {
        Self {
            store,
            base_uri: base_uri.trim_end_matches('/').to_owned(),
            options,
            environment: Arc::new(SystemEnvironment),
            directory: None,
            key_prefix: String::new(),
            ignored: IgnoredKeys::default(),
            footers: Mutex::default(),
            large_parts: Semaphore::new(LARGE_PARTS_AT_ONCE as usize),
        }
    }

    /// A new, empty staging for this lake. It rejects events from before [`LakeOptions::first_day`].
    pub fn staging(&self) -> Staging {
        Staging::since(self.options.first_day)
    }

    /// The same lake with another clock, random source and timer.
    #[must_use]
    pub fn with_environment(self, environment: Arc<dyn Environment>) -> Self {
        Self { environment, ..self }
    }

    /// The URI of the lake as other programs use it, without a trailing slash.
    pub fn base_uri(&self) -> &str {
        &self.base_uri
    }

    /// The object store of the lake's files. Callers may keep notes in it under `lookups/`; the lake itself never
    /// reads or writes that path.
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// The keys inside the lake that listings have left out since the last call.
    pub(crate) fn take_ignored(&self) -> Vec<String> {
        let keys = self.ignored.take();
        keys.iter().map(|key| key.strip_prefix(&self.key_prefix).unwrap_or(key).to_owned()).collect()
    }

    /// The time of the lake's clock, in milliseconds since 1970 (UTC).
    pub fn now_ms(&self) -> i64 {
        self.environment.now_ms()
    }

    /// Waits until a merge may read `parts` large parts beside the other merges of this process. A merge of more large parts
    /// than the maximum runs alone.
    pub(crate) async fn reserve_large_parts(&self, parts: usize) -> Result<SemaphorePermit<'_>, LakeError> {
        let permits = u32::try_from(parts).unwrap_or(u32::MAX).min(LARGE_PARTS_AT_ONCE);
        let permit = self.large_parts.acquire_many(permits).await;
        permit.map_err(|_| LakeError::Invalid("the lake's limit of large parts is closed".to_owned()))
    }

    /// Opens a part. The footer comes from the cache if it was read before.
    pub(crate) async fn open_part(&self, partition: Partition, name: &str) -> Result<Arc<Part>, LakeError> {
        let known = self.footers.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        if let Some(part) = known {
            return Ok(part);
        }
        let part = Part::open(&*self.store, partition, name).await?;
        self.remember(&part);
        Ok(Arc::new(part))
    }

    /// Caches a part's footer in memory.
    pub(crate) fn remember(&self, part: &Part) {
        let mut footers = self.footers.lock().unwrap_or_else(PoisonError::into_inner);
        if footers.len() >= FOOTERS_KEPT {
            footers.clear();
        }
        footers.insert(part.name.clone(), Arc::new(part.without_bytes()));
    }
}

fn below(store: Arc<dyn ObjectStore>, prefix: Path) -> Arc<dyn ObjectStore> {
    if prefix.as_ref().is_empty() { store } else { Arc::new(PrefixStore::new(store, prefix)) }
}

impl fmt::Debug for Lake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lake").field("base_uri", &self.base_uri).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use object_store::memory::InMemory;

    use super::*;
    use crate::options::LakeOptions;

    #[test]
    fn merges_of_many_large_parts_wait_for_each_other() {
        let lake = Lake::with_store(Arc::new(InMemory::new()), "memory://lake", LakeOptions::default());
        let first = lake.reserve_large_parts(5).now_or_never().unwrap().unwrap();
        let second = lake.reserve_large_parts(3).now_or_never().unwrap().unwrap();
        assert!(lake.reserve_large_parts(1).now_or_never().is_none());
        assert!(lake.reserve_large_parts(0).now_or_never().is_some(), "small parts never wait");
        drop(second);
        assert!(lake.reserve_large_parts(20).now_or_never().is_none());
        drop(first);
        assert!(lake.reserve_large_parts(20).now_or_never().is_some(), "it runs alone");
    }
}
