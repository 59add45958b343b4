//! Locates raw objects: by bucket and key from a notification, or by listing a URL.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bluetick_lake::LakeError;
use bluetick_storage::Profile;
use futures::TryStreamExt;
use object_store::ObjectStore;
use object_store::path::Path;

use crate::notification::RawObject;

/// A raw object and the store that holds it.
#[derive(Clone)]
pub struct Source {
    /// The store that contains the object.
    pub store: Arc<dyn ObjectStore>,
    /// Path of the object in the store.
    pub path: Path,
    /// Size in bytes; 0 if unknown.
    pub size: u64,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("path", &self.path).field("size", &self.size).finish_non_exhaustive()
    }
}

type Place = (Arc<dyn ObjectStore>, Path);

/// The stores of raw objects. Each bucket is opened once.
pub struct RawStores {
    fixed: Option<Place>,
    buckets: Mutex<HashMap<String, Place>>,
}

impl RawStores {
    /// Creates the stores. With `url` (`RAW_URL`, for local runs) every key is looked up under this URL, and the bucket
    /// of the notification is ignored.
    ///
    /// # Errors
    /// The URL cannot be opened.
    pub fn new(url: Option<&str>) -> Result<Self, LakeError> {
        Ok(Self { fixed: url.map(open).transpose()?, buckets: Mutex::default() })
    }

    /// Locates the object named by a notification.
    ///
    /// # Errors
    /// The bucket cannot be opened.
    pub fn source(&self, object: &RawObject) -> Result<Source, LakeError> {
        let (store, prefix) = match &self.fixed {
            Some(place) => place.clone(),
            None => self.bucket(&object.bucket)?,
        };
        // `Path::from` would percent-encode the key again.
        let key = Path::parse(&object.key).map_err(object_store::Error::from)?;
        let path = prefix.parts().chain(key.parts()).collect();
        Ok(Source { store, path, size: 0 })
    }

    fn bucket(&self, name: &str) -> Result<Place, LakeError> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = buckets.get(name) {
            return Ok(place.clone());
        }
        let place = open(&format!("s3://{name}"))?;
        buckets.insert(name.to_owned(), place.clone());
        Ok(place)
    }
}

fn open(url: &str) -> Result<Place, LakeError> {
    let location = bluetick_storage::open(url, Profile::BATCH)?;
    Ok((location.store, location.prefix))
}

/// Lists all raw objects under a URL, ordered by path. Objects whose names begin with a dot are still being written and
/// are left out.
///
/// # Errors
/// The URL cannot be opened or listed.
pub async fn list(url: &str) -> Result<Vec<Source>, LakeError> {
    let (store, prefix) = open(url)?;
    let mut sources: Vec<Source> = store
        .list(Some(&prefix))
        .map_ok(|meta| Source { store: Arc::clone(&store), path: meta.location, size: meta.size })
        .try_collect()
        .await?;
    // Skip empty objects. The S3 console creates them as folder markers, which cannot be read under their listed
    // name.
    sources.retain(|source| source.size > 0 && !source.path.filename().is_some_and(|name| name.starts_with('.')));
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::ObjectStoreExt;

    /// Keys that are valid in S3 and differ from their percent-encoded form. A local directory is used in place of
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

    #[tokio::test]
    async fn odd_keys_are_read_under_their_own_name() {
        let store: Arc<dyn ObjectStore> = Arc::new(object_store::memory::InMemory::new());
        let stores = RawStores { fixed: Some((Arc::clone(&store), Path::default())), buckets: Mutex::default() };
        for key in ODD_KEYS {
            store.put(&Path::parse(key).unwrap(), key.as_bytes().to_vec().into()).await.unwrap();
            let source = stores.source(&RawObject { bucket: "raw".to_owned(), key: key.to_owned() }).unwrap();
            assert_eq!(source.path.as_ref(), key);
            let content = source.store.get(&source.path).await.unwrap().bytes().await.unwrap();
            assert_eq!(content, key.as_bytes());
        }
    }

    #[test]
    fn a_key_that_the_store_cannot_name_is_an_error() {
        let store: Arc<dyn ObjectStore> = Arc::new(object_store::memory::InMemory::new());
        let stores = RawStores { fixed: Some((store, Path::default())), buckets: Mutex::default() };
        for key in ["raw//a.gz", "raw/../a.gz"] {
            assert!(stores.source(&RawObject { bucket: "raw".to_owned(), key: key.to_owned() }).is_err(), "{key}");
        }
    }
}
