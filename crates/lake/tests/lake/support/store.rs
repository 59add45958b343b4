//! An in-memory store with injected faults: failures before and after a write, false conflicts, lost responses, and
//! writes that take effect later. Each call yields before and after, so that a task can be stopped at every call.

use std::fmt;
use std::io::ErrorKind;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryFutureExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::yield_now;

/// Frequency of each injected fault, per thousand calls.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    pub fail_before: u32,
    pub fail_after: u32,
    pub false_conflict: u32,
    pub late_write: u32,
    pub delay: u32,
}

/// Counters of what happened in the store so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Happened {
    pub manifest_writes: u64,
    pub conflicts: u64,
    pub false_conflicts: u64,
    pub lost_responses: u64,
    pub failed_before: u64,
    pub late_writes: u64,
    pub deletes: u64,
    pub refused: u64,
}

struct LateWrite {
    path: Path,
    payload: PutPayload,
    options: PutOptions,
}

/// The store. Clones share all state.
#[derive(Clone)]
pub struct FaultyStore(Arc<Inner>, NoEffect);

/// Which calls are acknowledged but have no effect, for controls that must fail.
#[derive(Clone, Copy, PartialEq)]
enum NoEffect {
    Nothing,
    ManifestWrites,
    /// Manifest writes that only add a part, and deletions.
    FencesAndDeletions,
}

struct Inner {
    store: InMemory,
    random: Mutex<ChaCha8Rng>,
    faults: Mutex<Faults>,
    conditional: bool,
    happened: Mutex<Happened>,
    in_flight: AtomicUsize,
    late: Mutex<Vec<LateWrite>>,
    changed: AtomicBool,
    calls: AtomicU64,
    refusal: Mutex<Option<ErrorKind>>,
    is_full: AtomicBool,
}

struct InFlight<'a>(&'a AtomicUsize);

impl<'a> InFlight<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl FaultyStore {
    /// Creates an empty store. Without `conditional` it ignores the conditions of writes, for a control that must
    /// fail.
    pub fn new(seed: u64, faults: Faults, conditional: bool) -> Self {
        let inner = Inner {
            store: InMemory::new(),
            random: Mutex::new(ChaCha8Rng::seed_from_u64(seed)),
            faults: Mutex::new(faults),
            conditional,
            happened: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            late: Mutex::default(),
            changed: AtomicBool::new(false),
            calls: AtomicU64::new(0),
            refusal: Mutex::default(),
            is_full: AtomicBool::new(false),
        };
        Self(Arc::new(inner), NoEffect::Nothing)
    }

    /// The same store, in which this user's manifest writes have no effect.
    pub fn without_manifest_writes(&self) -> Self {
        Self(Arc::clone(&self.0), NoEffect::ManifestWrites)
    }

    /// The same store, in which this user's deletions and manifest writes that only add a part have no effect.
    pub fn without_fences_and_deletions(&self) -> Self {
        Self(Arc::clone(&self.0), NoEffect::FencesAndDeletions)
    }

    fn has_no_effect(&self, path: &Path, payload: &PutPayload) -> bool {
        let is_addition = || {
            let old = self.0.store.get(path).now_or_never().unwrap();
            let old = old.map(|got| got.bytes().now_or_never().unwrap().unwrap()).unwrap_or_default();
            !old.is_empty() && Bytes::from(payload.clone()).starts_with(&old)
        };
        match self.1 {
            NoEffect::Nothing => false,
            NoEffect::ManifestWrites => path.as_ref().starts_with("manifest/"),
            NoEffect::FencesAndDeletions => path.as_ref().starts_with("manifest/") && is_addition(),
        }
    }

    /// The underlying store without faults.
    pub fn inner(&self) -> &InMemory {
        &self.0.store
    }

    /// From now on the operating system rejects every manifest write.
    pub fn refuse_manifests(&self, kind: ErrorKind) {
        *self.0.refusal.lock().unwrap() = Some(kind);
    }

    /// Simulates a full disk: every write is rejected until something is deleted.
    pub fn fill(&self) {
        self.0.is_full.store(true, Ordering::Relaxed);
    }

    pub fn happened(&self) -> Happened {
        *self.0.happened.lock().unwrap()
    }

    pub fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::Relaxed)
    }

    /// Stops injecting faults.
    pub fn heal(&self) {
        *self.0.faults.lock().unwrap() = Faults::default();
    }

    /// Whether a manifest was written or an object deleted since the last call.
    pub fn take_changed(&self) -> bool {
        self.0.changed.swap(false, Ordering::Relaxed)
    }

    /// Whether a conditional write is pending: it was sent, but has neither taken effect nor failed.
    pub fn is_writing(&self) -> bool {
        self.0.in_flight.load(Ordering::Relaxed) > 0 || !self.0.late.lock().unwrap().is_empty()
    }

    /// Number of conditional writes that were sent and have no response yet.
    pub fn writes_in_flight(&self) -> usize {
        self.0.in_flight.load(Ordering::Relaxed)
    }

    /// Applies a write whose sender has given up waiting.
    pub fn apply_late_write(&self) {
        let late = self.0.late.lock().unwrap().pop();
        if let Some(LateWrite { path, payload, options }) = late {
            // The sender does not wait for the result.
            let _ = self.apply(&path, payload, options).now_or_never();
        }
    }

    fn happens(&self, choose: impl Fn(&Faults) -> u32) -> bool {
        let per_mille = choose(&self.0.faults.lock().unwrap());
        per_mille > 0 && self.0.random.lock().unwrap().random_range(0..1000) < per_mille
    }

    fn note(&self, note: impl Fn(&mut Happened)) {
        note(&mut self.0.happened.lock().unwrap());
    }

    async fn call(&self) -> Result<()> {
        self.0.calls.fetch_add(1, Ordering::Relaxed);
        yield_now().await;
        while self.happens(|faults| faults.delay) {
            yield_now().await;
        }
        if self.happens(|faults| faults.fail_before) {
            self.note(|happened| happened.failed_before += 1);
            return Err(broken("before"));
        }
        Ok(())
    }

    async fn apply(&self, path: &Path, payload: PutPayload, mut options: PutOptions) -> Result<PutResult> {
        let is_manifest = path.as_ref().starts_with("manifest/");
        if !self.0.conditional {
            options.mode = PutMode::Overwrite;
        }
        let result = self.0.store.put_opts(path, payload, options).await;
        match &result {
            Ok(_) if is_manifest => {
                self.note(|happened| happened.manifest_writes += 1);
                self.0.changed.store(true, Ordering::Relaxed);
            }
            Err(_) if is_manifest => self.note(|happened| happened.conflicts += 1),
            _ => {}
        }
        result
    }
}

fn broken(when: &str) -> Error {
    Error::Generic { store: "FaultyStore", source: format!("failed {when}").into() }
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultyStore")
    }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultyStore")
    }
}

#[async_trait::async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        if self.has_no_effect(path, &payload) {
            return Ok(PutResult { e_tag: None, version: None, extensions: Default::default() });
        }
        let refusal = *self.0.refusal.lock().unwrap();
        if let Some(kind) = refusal.filter(|_| path.as_ref().starts_with("manifest/")) {
            self.note(|happened| happened.refused += 1);
            return Err(Error::Generic { store: "FaultyStore", source: std::io::Error::from(kind).into() });
        }
        if self.0.is_full.load(Ordering::Relaxed) {
            self.note(|happened| happened.refused += 1);
            let source = std::io::Error::from(ErrorKind::StorageFull).into();
            return Err(Error::Generic { store: "FaultyStore", source });
        }
        let conditional = options.mode != PutMode::Overwrite;
        let in_flight = conditional.then(|| InFlight::new(&self.0.in_flight));
        self.call().await?;
        if conditional && self.happens(|faults| faults.false_conflict) {
            self.note(|happened| happened.false_conflicts += 1);
            let (path, source) = (path.to_string(), "a false conflict".into());
            return Err(match options.mode {
                PutMode::Create => Error::AlreadyExists { path, source },
                _ => Error::Precondition { path, source },
            });
        }
        if conditional && self.happens(|faults| faults.late_write) {
            self.note(|happened| happened.late_writes += 1);
            self.0.late.lock().unwrap().push(LateWrite { path: path.clone(), payload, options });
            return Err(broken("to respond in time"));
        }
        let result = self.apply(path, payload, options).await;
        drop(in_flight);
        yield_now().await;
        if result.is_ok() && self.happens(|faults| faults.fail_after) {
            self.note(|happened| happened.lost_responses += 1);
            return Err(broken("after the write"));
        }
        result
    }

    async fn put_multipart_opts(&self, path: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.call().await?;
        self.0.store.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.call().await?;
        let got = self.0.store.get_opts(path, options).await;
        yield_now().await;
        got
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.call().await?;
        let got = self.0.store.get_ranges(path, ranges).await;
        yield_now().await;
        got
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        paths
            .then(move |path| {
                let store = store.clone();
                async move {
                    let path = path?;
                    store.call().await?;
                    if store.1 == NoEffect::FencesAndDeletions {
                        return Ok(path);
                    }
                    let one = futures::stream::once(async { Ok(path) }).boxed();
                    let deleted = store.0.store.delete_stream(one).try_collect::<Vec<_>>().await?;
                    store.note(|happened| happened.deletes += 1);
                    store.0.is_full.store(false, Ordering::Relaxed);
                    store.0.changed.store(true, Ordering::Relaxed);
                    deleted.into_iter().next().ok_or_else(|| broken("to delete"))
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (store, prefix) = (self.clone(), prefix.cloned());
        async move {
            store.call().await?;
            let listed: Vec<ObjectMeta> = store.0.store.list(prefix.as_ref()).try_collect().await?;
            Ok::<_, Error>(futures::stream::iter(listed).map(Ok))
        }
        .try_flatten_stream()
        .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.call().await?;
        self.0.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.call().await?;
        self.0.store.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.call().await?;
        self.0.store.rename_opts(from, to, options).await
    }
}
