//! A lake: a store, its address, and what its operations share.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use object_store::ObjectStore;
use object_store::path::Path;
use object_store::prefix::PrefixStore;

use crate::environment::{Environment, SystemEnvironment};
use crate::error::LakeError;
use crate::options::LakeOptions;
use crate::part::Part;
use crate::partition::Partition;
use crate::store;

/// Footers kept in memory: parts never change, so a warm process reads each once.
const FOOTERS_KEPT: usize = 256;

/// Waits between attempts at a commit: doubled each time, with jitter.
const FIRST_WAIT: Duration = Duration::from_millis(20);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// A lake. Cheap to share behind an `Arc`; any number of processes may work on the same one.
pub struct Lake {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) base_uri: String,
    pub(crate) options: LakeOptions,
    pub(crate) environment: Arc<dyn Environment>,
    /// Where it lies on this machine, if it does.
    pub(crate) directory: Option<PathBuf>,
    footers: Mutex<HashMap<String, Arc<Part>>>,
}

impl Lake {
    /// Opens the lake at `s3://bucket/prefix`, `file:///dir` or `memory://name`; see [`store::open`]. Does no I/O but to
    /// make the directory of a `file://` lake.
    ///
    /// # Errors
    /// [`LakeError::Url`] if the address cannot be used.
    pub fn open(url: &str, options: LakeOptions) -> Result<Self, LakeError> {
        let (store, prefix, base_uri) = store::open(url)?;
        let directory = base_uri.strip_prefix("file://").map(PathBuf::from);
        Ok(Self { directory, ..Self::with_store(under(store, prefix), &base_uri, options) })
    }

    /// A lake in any store that writes conditionally. `base_uri` is what readers outside call the root of the store.
    pub fn with_store(store: Arc<dyn ObjectStore>, base_uri: &str, options: LakeOptions) -> Self {
        Self {
            store,
            base_uri: base_uri.trim_end_matches('/').to_owned(),
            options,
            environment: Arc::new(SystemEnvironment),
            directory: None,
            footers: Mutex::default(),
        }
    }

    /// The same lake with another clock and randomness.
    #[must_use]
    pub fn with_environment(self, environment: Arc<dyn Environment>) -> Self {
        Self { environment, ..self }
    }

    /// The URI under which readers outside know the root of the lake, without a slash at its end.
    pub fn base_uri(&self) -> &str {
        &self.base_uri
    }

    /// Opens a part, from memory if its footer was read before.
    pub(crate) async fn open_part(&self, partition: Partition, name: &str) -> Result<Arc<Part>, LakeError> {
        let known = self.footers.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        if let Some(part) = known {
            return Ok(part);
        }
        let part = Part::open(&*self.store, partition, name).await?;
        self.remember(&part);
        Ok(Arc::new(part))
    }

    /// Keeps a part's footer for later.
    pub(crate) fn remember(&self, part: &Part) {
        let mut footers = self.footers.lock().unwrap_or_else(PoisonError::into_inner);
        if footers.len() >= FOOTERS_KEPT {
            footers.clear();
        }
        footers.insert(part.name.clone(), Arc::new(part.without_bytes()));
    }

    /// Waits before attempt number `attempt` (the first is 1) of something that others may be doing too.
    pub(crate) async fn back_off(&self, attempt: u32) {
        let longest = FIRST_WAIT.saturating_mul(2u32.saturating_pow(attempt.min(10))).min(LONGEST_WAIT);
        let millis = u128::max(longest.as_millis(), 1);
        let jitter = u64::try_from(self.environment.random() % millis).unwrap_or_default();
        self.environment.sleep(Duration::from_millis(jitter)).await;
    }
}

fn under(store: Arc<dyn ObjectStore>, prefix: Path) -> Arc<dyn ObjectStore> {
    if prefix.as_ref().is_empty() { store } else { Arc::new(PrefixStore::new(store, prefix)) }
}

impl fmt::Debug for Lake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lake").field("base_uri", &self.base_uri).finish_non_exhaustive()
    }
}
