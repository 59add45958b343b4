//! A local directory as an object store with conditional writes.
//!
//! `LocalFileSystem` has no conditional update, and its ETag (inode, time, size) may repeat when a file is replaced
//! twice within one clock tick. This wrapper adds conditional updates, and ETags that change with the content. A lock
//! file, which the operating system releases when its holder dies, serialises the conditional writes of all processes.
//! ETags of conditionally written objects are hashes of the content. Each write goes to a new file that is flushed and
//! renamed, so readers need no lock and never see a partial file.
//!
//! A conditional write runs as one task on a thread. Dropping its future (deadline, abort) does not release the lock
//! while the thread is still writing.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{BoxStream, iter};
use futures::{FutureExt, StreamExt, TryFutureExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};
use sha2::{Digest, Sha256};
use walkdir::WalkDir;

use crate::keys::{IgnoredKeys, path_of};

/// Name of the lock file in the root of the store. `LocalFileSystem` hides names that end in `#` and digits from
/// listings, because it uses them for uploads in progress.
const LOCK_FILE: &str = "lock#0";

/// Temporary file of a conditional write before it is renamed to its target. `LocalFileSystem` would put it next to
/// the target, but readers of manifests read every file of a folder. One name is enough: only the holder of the lock
/// writes it, and a file left by a killed process is overwritten.
const STAGED_FILE: &str = ".staging/conditional-write";

/// Folders whose objects are replaced conditionally: manifests and metadata records. Reading such an object hashes
/// its whole content; objects in other folders may be large.
const REPLACED_FOLDERS: [&str; 3] = ["manifest", "erasures", "sweep"];

/// A local directory with conditional writes.
#[derive(Debug)]
pub(crate) struct LocalStore {
    inner: Arc<LocalFileSystem>,
    root: PathBuf,
    /// The names that listings left out.
    pub(crate) ignored: IgnoredKeys,
}

/// Condition of a write.
enum Condition {
    /// The object does not exist.
    Absent,
    /// The object has this ETag.
    Tag(Option<String>),
}

/// A conditional write. It owns its data so that it can be moved to a thread.
struct ConditionalWrite {
    root: PathBuf,
    target: PathBuf,
    location: Path,
    payload: PutPayload,
    condition: Condition,
}

impl ConditionalWrite {
    /// Takes the lock, checks the condition and replaces the file.
    fn run(self) -> Result<PutResult> {
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(self.root.join(LOCK_FILE));
        let lock = lock.map_err(broken)?;
        lock.lock().map_err(broken)?;
        let path = self.location.to_string();
        let current = match fs::read(&self.target) {
            Ok(content) => Some(content_tag(&content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(broken(error)),
        };
        match self.condition {
            Condition::Absent if current.is_some() => {
                return Err(Error::AlreadyExists { path, source: "the object exists".into() });
            }
            Condition::Tag(expected) if current.is_none() || current != expected => {
                return Err(Error::Precondition { path, source: "the object has changed since it was read".into() });
            }
            _ => {}
        }
        let e_tag = Some(content_tag(&Bytes::from(self.payload.clone())));
        replace(&self.root, &self.target, &self.payload).map_err(broken)?;
        Ok(PutResult { e_tag, version: None, extensions: Default::default() })
    }
}

fn broken(source: io::Error) -> Error {
    Error::Generic { store: "LocalStore", source: source.into() }
}

/// Runs blocking file operations on a separate thread.
async fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|source| Error::JoinError { source })?
}

/// Writes and flushes the temporary file, then renames it to `target`, replacing an existing file.
fn replace(root: &FilePath, target: &FilePath, payload: &PutPayload) -> io::Result<()> {
    let staged = root.join(STAGED_FILE);
    let folders = [staged.parent(), target.parent()];
    for folder in folders.into_iter().flatten() {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::create(&staged)?;
    for piece in payload {
        file.write_all(piece)?;
    }
    file.sync_all()?;
    fs::rename(&staged, target)?;
    // The rename must be flushed, too, and so must all parent folders, because they may be new.
    for folder in target.ancestors().skip(1).take_while(|folder| folder.starts_with(root)) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

impl LocalStore {
    /// Opens a store rooted at an existing directory.
    pub(crate) fn new(root: &FilePath) -> Result<Self> {
        let inner = LocalFileSystem::new_with_prefix(root)?.with_fsync(true);
        Ok(Self { inner: Arc::new(inner), root: root.to_owned(), ignored: IgnoredKeys::default() })
    }

    async fn put_conditionally(&self, location: &Path, payload: PutPayload, condition: Condition) -> Result<PutResult> {
        let write = ConditionalWrite {
            root: self.root.clone(),
            target: self.inner.path_to_filesystem(location)?,
            location: location.clone(),
            payload,
            condition,
        };
        on_a_thread(move || write.run()).await
    }
}

/// The files below `folder`, as objects of a store rooted at `root`. Links are followed, and uploads in progress are
/// left out.
fn files(root: &FilePath, folder: &FilePath, ignored: &IgnoredKeys) -> io::Result<Vec<ObjectMeta>> {
    let mut files = Vec::new();
    for entry in WalkDir::new(folder).min_depth(1).follow_links(true) {
        let found = entry.and_then(|entry| Ok((entry.metadata()?, entry)));
        let (metadata, entry) = match found.map_err(io::Error::from) {
            // The file was deleted meanwhile, or is a link to nothing.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other?,
        };
        if !metadata.is_file() || is_upload(&entry.file_name().to_string_lossy()) {
            continue;
        }
        let name = entry.path().strip_prefix(root).map_err(io::Error::other)?;
        let Some(location) = name.to_str().and_then(path_of) else {
            ignored.add(&name.to_string_lossy());
            continue;
        };
        let (last_modified, size) = (metadata.modified()?.into(), metadata.len());
        files.push(ObjectMeta { location, last_modified, size, e_tag: None, version: None });
    }
    Ok(files)
}

/// Whether `LocalFileSystem` gives such a name to an upload in progress.
fn is_upload(name: &str) -> bool {
    name.split_once('#')
        .is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Deletes incomplete part files that killed processes left under `root`. Their names are `<uuid>.parquet#<number>`,
/// and no listing shows them. Only files last modified before `before_ms` (milliseconds since 1970) are deleted.
/// Returns their paths relative to `root`.
///
/// # Errors
/// A folder cannot be read, or a file cannot be deleted.
pub async fn delete_leftovers(root: PathBuf, before_ms: i64) -> Result<Vec<String>> {
    on_a_thread(move || delete_incomplete(&root, before_ms).map_err(broken)).await
}

fn delete_incomplete(root: &FilePath, before_ms: i64) -> io::Result<Vec<String>> {
    let (mut folders, mut deleted) = (vec![root.join("data")], Vec::new());
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other?,
        };
        for entry in entries {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            if kind.is_dir() {
                folders.push(path);
                continue;
            }
            let is_incomplete = entry.file_name().to_str().is_some_and(is_incomplete_part);
            if kind.is_file() && is_incomplete && written_ms(&entry)? < before_ms {
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => deleted.extend(path.strip_prefix(root).ok().map(|path| path.display().to_string())),
                }
            }
        }
    }
    Ok(deleted)
}

/// Whether the name is `<uuid>.parquet#<number>`.
fn is_incomplete_part(name: &str) -> bool {
    let uuid = name.split_once(".parquet#").map(|(uuid, _)| uuid);
    let is_uuid = |uuid: &str| uuid.len() == 36 && uuid.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    is_upload(name) && uuid.is_some_and(is_uuid)
}

fn written_ms(entry: &fs::DirEntry) -> io::Result<i64> {
    let age = entry.metadata()?.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Ok(i64::try_from(age.as_millis()).unwrap_or(i64::MAX))
}

fn is_replaced(location: &Path) -> bool {
    location.parts().next().is_some_and(|folder| REPLACED_FOLDERS.contains(&folder.as_ref()))
}

fn content_tag(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
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
            // The lock serialises Create and Update.
            PutMode::Create => self.put_conditionally(location, payload, Condition::Absent).await,
            PutMode::Update(_) if !is_replaced(location) => {
                let source = format!("{location} is in no folder that is replaced conditionally").into();
                Err(Error::NotSupported { source })
            }
            PutMode::Update(version) => self.put_conditionally(location, payload, Condition::Tag(version.e_tag)).await,
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
        if !whole || !is_replaced(location) {
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

    /// `LocalFileSystem` ends its listing at the first name that no path represents.
    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (root, ignored) = (self.root.clone(), self.ignored.clone());
        let folder = prefix.map_or_else(|| root.clone(), |prefix| root.join(prefix.as_ref()));
        let listed = on_a_thread(move || files(&root, &folder, &ignored).map_err(broken));
        listed.map_ok(|files| iter(files).map(Ok)).try_flatten_stream().boxed()
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
    use object_store::{ObjectStoreExt, UpdateVersion};

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
        let absent = store.put_opts(&Path::from("manifest/y"), "x".into(), options(PutMode::Update(first))).await;
        assert!(matches!(absent, Err(Error::Precondition { .. })));
        assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "two");
        let (part, mode) = (Path::from("data/x"), PutMode::Update(version(&store, &path).await));
        let unhashed = store.put_opts(&part, "x".into(), options(mode));
        assert!(matches!(unhashed.await, Err(Error::NotSupported { .. })));
    }

    #[tokio::test]
    async fn records_of_any_size_are_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let store = LocalStore::new(directory.path()).unwrap();
        let path = Path::from("sweep/unreferenced.json");
        store.put_opts(&path, vec![b' '; 9 << 20].into(), options(PutMode::Create)).await.unwrap();
        let first = version(&store, &path).await;
        store.put_opts(&path, "less".into(), options(PutMode::Update(first))).await.unwrap();
    }

    /// A write whose future is dropped takes effect completely or not at all, and never affects later writes.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_dropped_write_is_whole_or_absent() {
        let directory = tempfile::tempdir().unwrap();
        let store = LocalStore::new(directory.path()).unwrap();
        let (dropped, kept) = (Path::from("manifest/dropped"), Path::from("manifest/kept"));
        let large = Bytes::from(vec![b'd'; 4 << 20]);
        store.put_opts(&kept, "0".into(), options(PutMode::Create)).await.unwrap();
        for number in 0..60 {
            let mut write = store.put_opts(&dropped, large.clone().into(), options(PutMode::Create)).boxed();
            // Start the write and drop it while its thread is anywhere between taking the lock and the rename.
            for _ in 0..=number * number {
                if futures::poll!(&mut write).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(write);
            for turn in 0..4 {
                let text = format!("{number}.{turn}");
                let version = version(&store, &kept).await;
                store.put_opts(&kept, text.clone().into(), options(PutMode::Update(version))).await.unwrap();
                assert_eq!(store.get(&kept).await.unwrap().bytes().await.unwrap(), text);
            }
            if let Ok(got) = store.get(&dropped).await {
                assert_eq!(got.bytes().await.unwrap(), large, "a write is whole or absent");
            }
            let _ = store.delete(&dropped).await;
        }
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
                for entry in fs::read_dir(&folder).unwrap() {
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
        fs::write(directory.path().join("a/b#17"), "half").unwrap();
        let names: Vec<_> = store.list(None).map(|meta| meta.unwrap().location.to_string()).collect().await;
        assert_eq!(names, ["a/b"]);
    }

    /// Files, links and names that `LocalFileSystem` lists or leaves out, and names at which its listing fails.
    #[tokio::test]
    async fn a_listing_leaves_out_names_without_a_path_and_names_them() {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("data/x");
        fs::create_dir_all(folder.join("b\tc")).unwrap();
        for name in ["a", "a b%20+\\", ".hidden", "a#b", "a#", "upload#7", "gr\u{fc}n"] {
            fs::write(folder.join(name), name).unwrap();
        }
        std::os::unix::fs::symlink(&folder, directory.path().join("linked")).unwrap();
        std::os::unix::fs::symlink(folder.join("a"), folder.join("file")).unwrap();
        std::os::unix::fs::symlink(folder.join("gone"), folder.join("dangling")).unwrap();
        let store = LocalStore::new(directory.path()).unwrap();
        let prefixes = [None, Some("data"), Some("data/x"), Some("data/x/a"), Some("linked"), Some("absent")];
        for prefix in prefixes.map(|prefix| prefix.map(Path::from)) {
            let listed = |listing: BoxStream<'static, Result<ObjectMeta>>| async {
                let mut listed: Vec<ObjectMeta> = listing.map(Result::unwrap).collect().await;
                listed.sort_by(|one, other| one.location.cmp(&other.location));
                listed.into_iter().map(|meta| (meta.location, meta.size, meta.last_modified)).collect::<Vec<_>>()
            };
            let found = listed(store.list(prefix.as_ref())).await;
            assert_eq!(found, listed(store.inner.list(prefix.as_ref())).await, "{prefix:?}");
            assert_eq!(
                found.is_empty(),
                prefix.is_some_and(|prefix| ["data/x/a", "absent"].contains(&prefix.as_ref()))
            );
        }
        assert!(store.ignored.take().is_empty());

        let no_text = std::os::unix::ffi::OsStrExt::from_bytes(b"no\xfftext");
        for name in ["line\nend", "\u{7f}", "b\tc/a"].map(std::ffi::OsStr::new).into_iter().chain([no_text]) {
            fs::write(folder.join(name), "x").unwrap();
            let listed: Result<Vec<_>> = futures::TryStreamExt::try_collect(store.inner.list(None)).await;
            assert!(listed.is_err(), "{name:?}");
        }
        let listed: Vec<_> = store.list(Some(&Path::from("data"))).map(|meta| meta.unwrap().location).collect().await;
        assert_eq!(listed.len(), 7);
        let expected = ["data/x/\u{7f}", "data/x/b\tc/a", "data/x/line\nend", "data/x/no\u{fffd}text"];
        let ignored = store.ignored.take();
        assert_eq!(ignored.iter().map(String::as_str).collect::<std::collections::BTreeSet<_>>(), expected.into());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn one_of_many_wins_each_round() {
        let directory = tempfile::tempdir().unwrap();
        let path = Path::from("manifest/counter");
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
