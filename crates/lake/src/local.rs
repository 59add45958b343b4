//! A directory as an object store with conditional writes.
//!
//! `LocalFileSystem` has no conditional update, and its entity tag (inode, time, size) may repeat when a file is replaced
//! twice within a tick of the clock. This wrapper adds both: a lock file, which the system releases when its holder dies,
//! serialises conditional writes of all processes; entity tags of whole small objects are hashes of their content. The
//! write itself is a new file, flushed and renamed, so readers need no lock and never see a half.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};
use sha2::{Digest, Sha256};

/// Name of the lock file in the root of the store. The suffix hides it from listings: `LocalFileSystem` takes names that
/// end in `#` and digits for uploads under way.
const LOCK_FILE: &str = "lock#0";

/// Where a conditional write is made before it is renamed into its place. `LocalFileSystem` itself would write it beside the
/// target, and readers of manifests take every file of a folder for a manifest. One name will do: only the holder of the
/// lock writes it, and whatever a killed one left is overwritten.
const STAGED_FILE: &str = ".staging/conditional-write";

/// Objects above this size carry no content hash: only manifests and the lake's own records are written conditionally.
const HASHED_BYTES: u64 = 8 << 20;

/// A directory with conditional writes.
#[derive(Debug)]
pub(crate) struct LocalStore {
    inner: Arc<LocalFileSystem>,
    lock_path: PathBuf,
}

impl LocalStore {
    /// A store rooted at an existing directory.
    pub(crate) fn new(root: &FilePath) -> Result<Self> {
        let inner = LocalFileSystem::new_with_prefix(root)?.with_fsync(true);
        Ok(Self { inner: Arc::new(inner), lock_path: root.join(LOCK_FILE) })
    }

    /// Waits for the lock without blocking other tasks of this thread.
    async fn lock(&self) -> Result<File> {
        let path = self.lock_path.clone();
        let locked = tokio::task::spawn_blocking(move || {
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
            file.lock()?;
            Ok::<_, std::io::Error>(file)
        });
        let file = locked.await.map_err(|source| Error::JoinError { source })?;
        file.map_err(|source| Error::Generic { store: "LocalStore", source: source.into() })
    }

    /// Replaces the object as a whole, whatever is there. Call it with the lock held.
    async fn replace(&self, location: &Path, payload: PutPayload) -> Result<PutResult> {
        let e_tag = content_tag(&Bytes::from(payload.clone()));
        let staged = Path::from(STAGED_FILE);
        let put = self.inner.put(&staged, payload).await?;
        self.inner.rename(&staged, location).await?;
        Ok(PutResult { e_tag: Some(e_tag), ..put })
    }

    async fn current_tag(&self, location: &Path) -> Result<Option<String>> {
        match self.inner.get(location).await {
            Ok(got) => Ok(Some(content_tag(&got.bytes().await?))),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn content_tag(content: &[u8]) -> String {
    let digest = Sha256::digest(content);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Display for LocalStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LocalStore({})", self.inner)
    }
}

#[async_trait::async_trait]
impl ObjectStore for LocalStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, mut options: PutOptions) -> Result<PutResult> {
        options.attributes = Default::default();
        match options.mode.clone() {
            PutMode::Overwrite => self.inner.put_opts(location, payload, options).await,
            PutMode::Create => {
                // The lock makes Create and Update exclude each other.
                let _lock = self.lock().await?;
                if self.current_tag(location).await?.is_some() {
                    let source = "the object exists".into();
                    return Err(Error::AlreadyExists { path: location.to_string(), source });
                }
                self.replace(location, payload).await
            }
            PutMode::Update(version) => {
                let _lock = self.lock().await?;
                let current = self.current_tag(location).await?;
                if current.is_none() || current != version.e_tag {
                    let source = "the object is not the one that was read".into();
                    return Err(Error::Precondition { path: location.to_string(), source });
                }
                self.replace(location, payload).await
            }
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        mut options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        options.attributes = Default::default();
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let whole = options.range.is_none() && !options.head;
        let mut got = self.inner.get_opts(location, options).await?;
        if !whole || got.meta.size > HASHED_BYTES {
            return Ok(got);
        }
        let (meta, range, attributes, extensions) =
            (got.meta.clone(), got.range.clone(), got.attributes.clone(), got.extensions.clone());
        let bytes = got.bytes().await?;
        got = GetResult {
            meta: ObjectMeta { e_tag: Some(content_tag(&bytes)), ..meta },
            payload: GetResultPayload::Stream(futures::stream::once(async move { Ok(bytes) }.boxed()).boxed()),
            range,
            attributes,
            extensions,
        };
        Ok(got)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await
    }
}

#[cfg(test)]
mod tests {
    use object_store::UpdateVersion;

    use super::*;

    fn options(mode: PutMode) -> PutOptions {
        PutOptions { mode, ..PutOptions::default() }
    }

    async fn version(store: &LocalStore, path: &Path) -> UpdateVersion {
        let got = store.get(path).await.unwrap();
        UpdateVersion { e_tag: got.meta.e_tag, version: None }
    }

    #[tokio::test]
    async fn updates_are_conditional_on_the_content() {
        let directory = tempfile::tempdir().unwrap();
        let store = LocalStore::new(directory.path()).unwrap();
        let path = Path::from("manifest/x");
        store.put_opts(&path, "one".into(), options(PutMode::Create)).await.unwrap();
        let again = store.put_opts(&path, "two".into(), options(PutMode::Create)).await;
        assert!(matches!(again, Err(Error::AlreadyExists { .. })));

        let first = version(&store, &path).await;
        let put = store.put_opts(&path, "two".into(), options(PutMode::Update(first.clone()))).await.unwrap();
        assert_eq!(put.e_tag, version(&store, &path).await.e_tag);
        let stale = store.put_opts(&path, "three".into(), options(PutMode::Update(first.clone()))).await;
        assert!(matches!(stale, Err(Error::Precondition { .. })));
        let absent = store.put_opts(&Path::from("y"), "x".into(), options(PutMode::Update(first))).await;
        assert!(matches!(absent, Err(Error::Precondition { .. })));
        assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "two");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_folder_never_shows_a_write_under_way() {
        let directory = tempfile::tempdir().unwrap();
        let store = LocalStore::new(directory.path()).unwrap();
        let path = Path::from("manifest/clicks/dt=2026-11-20/symlink.txt");
        store.put_opts(&path, "0".into(), options(PutMode::Create)).await.unwrap();
        let folder = directory.path().join("manifest/clicks/dt=2026-11-20");
        let written = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let done = Arc::clone(&written);
        let watcher = tokio::task::spawn_blocking(move || {
            let mut looks = 0;
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                for entry in std::fs::read_dir(&folder).unwrap() {
                    assert_eq!(entry.unwrap().file_name(), "symlink.txt");
                }
                looks += 1;
            }
            looks
        });
        for number in 1..100 {
            let version = version(&store, &path).await;
            store.put_opts(&path, number.to_string().into(), options(PutMode::Update(version))).await.unwrap();
        }
        written.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(watcher.await.unwrap() > 0);
    }

    #[tokio::test]
    async fn leftovers_of_a_killed_process_are_not_listed() {
        let directory = tempfile::tempdir().unwrap();
        let store = LocalStore::new(directory.path()).unwrap();
        store.put_opts(&Path::from("a/b"), "x".into(), options(PutMode::Create)).await.unwrap();
        std::fs::write(directory.path().join("a/b#17"), "half").unwrap();
        let names: Vec<_> = store.list(None).map(|meta| meta.unwrap().location.to_string()).collect().await;
        assert_eq!(names, ["a/b"]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn one_of_many_wins_each_round() {
        let directory = tempfile::tempdir().unwrap();
        let path = Path::from("counter");
        let store = LocalStore::new(directory.path()).unwrap();
        store.put_opts(&path, "0".into(), options(PutMode::Create)).await.unwrap();
        let workers = (0..4).map(|_| {
            let (root, path) = (directory.path().to_owned(), path.clone());
            tokio::spawn(async move {
                let store = LocalStore::new(&root).unwrap();
                let mut wins = 0;
                while wins < 25 {
                    let got = store.get(&path).await.unwrap();
                    let version = UpdateVersion { e_tag: got.meta.e_tag.clone(), version: None };
                    let bytes = got.bytes().await.unwrap();
                    let next = std::str::from_utf8(&bytes).unwrap().parse::<u64>().unwrap() + 1;
                    let put = store.put_opts(&path, next.to_string().into(), options(PutMode::Update(version))).await;
                    wins += u64::from(put.is_ok());
                }
            })
        });
        futures::future::try_join_all(workers).await.unwrap();
        assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "100");
    }
}
