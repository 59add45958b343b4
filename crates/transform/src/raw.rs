//! Locates and reads raw objects: by bucket and key from a notification, or by listing a URL.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bluetick_lake::LakeError;
use bluetick_storage::{Bucket, Content, IgnoredKeys, Listed, Location, Profile, path_of};
use futures::future::ready;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::notification::RawObject;

/// A raw object and the place that holds it.
#[derive(Clone)]
pub struct Source {
    place: Place,
    name: String,
}

/// How an object is read.
#[derive(Clone)]
enum Place {
    Store(Arc<dyn ObjectStore>, Path),
    /// By its plain key, because no [`Path`] can represent the key: it has an empty segment, a segment `.` or `..`, or
    /// a control character.
    Bucket(Arc<Bucket>),
}

impl Source {
    /// The object at `path` of a store.
    pub fn stored(store: Arc<dyn ObjectStore>, path: Path) -> Self {
        Self { name: path.to_string(), place: Place::Store(store, path) }
    }

    /// The key of the object in its bucket, or its path in the store.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The store that holds the object, and the object's path in it. `None` if no path can represent the key.
    pub fn stored_at(&self) -> Option<(&Arc<dyn ObjectStore>, &Path)> {
        match &self.place {
            Place::Store(store, path) => Some((store, path)),
            Place::Bucket(_) => None,
        }
    }

    /// Reads the object.
    ///
    /// # Errors
    /// The object does not exist or may not be read, or the store failed.
    pub async fn read(&self) -> object_store::Result<Content> {
        match &self.place {
            Place::Store(store, path) => {
                let got = store.get(path).await?;
                let modified_ms = got.meta.last_modified.timestamp_millis();
                Ok(Content { modified_ms, pieces: got.into_stream().boxed() })
            }
            Place::Bucket(bucket) => bucket.get(&self.name).await,
        }
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A URL that holds raw objects.
#[derive(Clone)]
struct Root {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// The bucket's name, if the URL is in S3.
    bucket: Option<String>,
    ignored: IgnoredKeys,
}

impl Root {
    fn open(url: &str) -> Result<Self, LakeError> {
        let Location { store, prefix, bucket, ignored, .. } = bluetick_storage::open(url, Profile::BATCH)?;
        Ok(Self { store, prefix, bucket, ignored })
    }

    /// The prefix of the keys under the URL: empty, or with a slash at its end.
    fn key_prefix(&self) -> String {
        match self.prefix.as_ref() {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        }
    }
}

/// The stores of raw objects. Each bucket is opened once.
pub struct RawStores {
    fixed: Option<Root>,
    roots: Mutex<HashMap<String, Root>>,
    /// Buckets that are read by plain keys. They are opened when the first such key occurs.
    buckets: Mutex<HashMap<String, Arc<Bucket>>>,
}

impl RawStores {
    /// Creates the stores. With `url` (`RAW_URL`, for local runs) every key is looked up under this URL, and the bucket
    /// of the notification is ignored.
    ///
    /// # Errors
    /// The URL cannot be opened.
    pub fn new(url: Option<&str>) -> Result<Self, LakeError> {
        Ok(Self { fixed: url.map(Root::open).transpose()?, roots: Mutex::default(), buckets: Mutex::default() })
    }

    /// Locates the object named by a notification.
    ///
    /// # Errors
    /// The bucket cannot be opened. With a `RAW_URL` that is not in S3: the store cannot represent the key.
    pub fn source(&self, object: &RawObject) -> Result<Source, LakeError> {
        let root = match &self.fixed {
            Some(root) => root.clone(),
            None => self.root(&object.bucket)?,
        };
        let name = format!("{}{}", root.key_prefix(), object.key);
        let place = match (path_of(&name), &root.bucket) {
            (Some(path), _) => Place::Store(root.store, path),
            (None, Some(bucket)) => Place::Bucket(self.bucket(bucket)?),
            (None, None) => return Err(LakeError::Invalid(format!("the store cannot represent the key {name:?}"))),
        };
        Ok(Source { place, name })
    }

    fn root(&self, bucket: &str) -> Result<Root, LakeError> {
        let mut roots = self.roots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(root) = roots.get(bucket) {
            return Ok(root.clone());
        }
        let root = Root::open(&format!("s3://{bucket}"))?;
        roots.insert(bucket.to_owned(), root.clone());
        Ok(root)
    }

    fn bucket(&self, name: &str) -> Result<Arc<Bucket>, LakeError> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get(name) {
            return Ok(Arc::clone(bucket));
        }
        let bucket = Arc::new(Bucket::open(name, Profile::BATCH)?);
        buckets.insert(name.to_owned(), Arc::clone(&bucket));
        Ok(bucket)
    }
}

/// Lists all raw objects under a URL, ordered by name. Empty objects are left out: the S3 console creates them as
/// folder markers. In a directory, files whose names begin with a dot are still being written and are left out, too.
///
/// # Errors
/// The URL cannot be opened or listed, or a directory holds a file whose name has a control character or is not UTF-8.
pub async fn list(url: &str) -> Result<Vec<Source>, LakeError> {
    let root = Root::open(url)?;
    let mut sources: Vec<Source> = match &root.bucket {
        Some(name) => list_bucket(&root, name).await?,
        None => {
            let listed = root.store.list(Some(&root.prefix)).map_ok(|meta| {
                let is_hidden = meta.location.filename().is_some_and(|name| name.starts_with('.'));
                (meta.size > 0 && !is_hidden).then(|| Source::stored(Arc::clone(&root.store), meta.location))
            });
            let sources = listed.try_filter_map(|source| ready(Ok(source))).try_collect().await?;
            // Rows must not be missing without an error.
            if let Some(name) = root.ignored.take().first() {
                let problem = format!("{url} holds {name:?}, and Bluetick cannot read such a name: rename the file");
                return Err(LakeError::Invalid(problem));
            }
            sources
        }
    };
    sources.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(sources)
}

/// Lists a bucket by plain keys: the listing of `object_store` fails as a whole if one key has no path.
async fn list_bucket(root: &Root, name: &str) -> Result<Vec<Source>, LakeError> {
    let bucket = Arc::new(Bucket::open(name, Profile::BATCH)?);
    let prefix = root.key_prefix();
    let listed = Arc::clone(&bucket).list(&prefix).map_ok(|Listed { key, size, .. }| {
        let place = match path_of(&key) {
            Some(path) => Place::Store(Arc::clone(&root.store), path),
            None => Place::Bucket(Arc::clone(&bucket)),
        };
        (size > 0).then_some(Source { place, name: key })
    });
    Ok(listed.try_filter_map(|source| ready(Ok(source))).try_collect().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys that are valid in S3 and differ from their percent-encoded form. A store in memory is used in place of
    /// S3; both use paths unchanged.
    const ODD_KEYS: [&str; 10] = [
        "raw/a b.gz",
        "raw/a+b.gz",
        "raw/100%.gz",
        "raw/a%2Fb.gz",
        "raw/dt=2026-01-01/x.gz",
        "raw/gr\u{fc}\u{df}e.gz",
        "raw/a?b#c.gz",
        "raw/{a}[b]~c.gz",
        "raw/a\\b.gz",
        "raw/a\"b'c<d>.gz",
    ];

    fn named(key: &str) -> RawObject {
        RawObject { bucket: "raw".to_owned(), key: key.to_owned() }
    }

    fn in_memory() -> (Arc<dyn ObjectStore>, RawStores) {
        let store: Arc<dyn ObjectStore> = Arc::new(object_store::memory::InMemory::new());
        let fixed = Some(Root {
            store: Arc::clone(&store),
            prefix: Path::default(),
            bucket: None,
            ignored: IgnoredKeys::default(),
        });
        (store, RawStores { fixed, roots: Mutex::default(), buckets: Mutex::default() })
    }

    #[tokio::test]
    async fn odd_keys_are_read_under_their_own_name() {
        let (store, stores) = in_memory();
        for key in ODD_KEYS {
            store.put(&Path::parse(key).unwrap(), key.as_bytes().to_vec().into()).await.unwrap();
            let source = stores.source(&named(key)).unwrap();
            assert_eq!(source.name(), key);
            assert_eq!(source.read().await.unwrap().bytes().await.unwrap(), key.as_bytes());
        }
    }

    /// A store in memory or a directory holds no such keys. No other object is read in their place.
    #[tokio::test]
    async fn a_key_that_no_path_represents_is_an_error_outside_s3() {
        let (store, stores) = in_memory();
        store.put(&Path::from("raw/a.gz"), "other".into()).await.unwrap();
        for key in ["raw//a.gz", "raw/../a.gz", "/raw/a.gz", "raw/a.gz/", "raw/a.gz\n"] {
            let error = stores.source(&named(key)).unwrap_err();
            assert!(error.to_string().contains(&format!("{key:?}")), "{error}");
        }
    }
}
