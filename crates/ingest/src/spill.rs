//! The spill: an S3 prefix or a directory for lines that the delivery stream did not accept. Each webhook's lines
//! become one raw object, which the transform reads like Firehose's objects.

use std::sync::Arc;
use std::time::Duration;

use bluetick_storage::Profile;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::durable::DurableDirectory;
use crate::raw_object::{gzip, object_name};

/// A prefix of a bucket, or a directory.
pub struct Spill {
    place: Place,
    budget: Duration,
}

enum Place {
    Store { store: Arc<dyn ObjectStore>, prefix: Path },
    Directory(Arc<DurableDirectory>),
}

/// Why the spill cannot be opened, or did not store an object.
#[derive(Debug, thiserror::Error)]
pub enum SpillError {
    /// `SPILL_URL` is neither an S3 prefix nor a directory.
    #[error("SPILL_URL must be s3://<bucket>/<prefix> or file:///<directory>")]
    Url(#[from] bluetick_storage::OpenError),
    /// The store rejected the object or could not be reached.
    #[error("the object could not be written to the spill")]
    Store(#[from] object_store::Error),
    /// The directory could not be created, or the object could not be written there.
    #[error("the spill's directory cannot be written: {0}")]
    Directory(#[from] std::io::Error),
    /// The store did not respond in time.
    #[error("the spill did not respond within {0:?}")]
    Timeout(Duration),
}

impl Spill {
    /// Opens the spill at `url`. `budget` is the maximum time of one put.
    ///
    /// # Errors
    /// The URL is neither an S3 prefix nor a directory, or the client cannot be created.
    pub fn open(url: &str, budget: Duration) -> Result<Self, SpillError> {
        if let Some(directory) = bluetick_storage::directory(url) {
            let place = Place::Directory(Arc::new(DurableDirectory::create(&directory)?));
            return Ok(Self { place, budget });
        }
        let location = bluetick_storage::open(url, Profile::within(budget))?;
        Ok(Self::with_store(location.store, location.prefix, budget))
    }

    /// A spill at `prefix` in `store`.
    pub fn with_store(store: Arc<dyn ObjectStore>, prefix: Path, budget: Duration) -> Self {
        Self { place: Place::Store { store, prefix }, budget }
    }

    /// Stores whole lines as one object. The folder's name is derived from `received_at`, in milliseconds since 1970,
    /// UTC.
    ///
    /// # Errors
    /// The store rejected the object or did not respond in time. The object may exist nevertheless.
    pub async fn put(&self, lines: &[u8], received_at: i64) -> Result<(), SpillError> {
        let object = gzip(lines)?;
        let name = object_name(received_at);
        let put = async {
            match &self.place {
                Place::Store { store, prefix } => {
                    let path: Path = prefix.parts().chain(Path::from(name).parts()).collect();
                    store.put(&path, object.into()).await?;
                }
                Place::Directory(directory) => {
                    let directory = Arc::clone(directory);
                    let write = tokio::task::spawn_blocking(move || directory.write(&name, &object));
                    write.await.unwrap_or_else(|error| Err(std::io::Error::other(error)))?;
                }
            }
            Ok(())
        };
        tokio::time::timeout(self.budget, put).await.map_err(|_| SpillError::Timeout(self.budget))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::TryStreamExt;
    use std::io::Read;

    #[tokio::test]
    async fn the_object_holds_the_lines_under_the_prefix() {
        let store = Arc::new(object_store::memory::InMemory::new());
        let prefix = Path::from("raw/spill");
        let spill = Spill::with_store(store.clone(), prefix, Duration::from_secs(1));
        spill.put(b"{\"a\":1}\n{\"a\":2}\n", 1_700_000_000_000).await.unwrap();
        let objects: Vec<_> = store.list(None).try_collect().await.unwrap();
        let [object] = objects.as_slice() else { panic!("one object, not {objects:?}") };
        assert!(object.location.as_ref().starts_with("raw/spill/2023/11/14/22/bluetick-"), "{}", object.location);
        let bytes = store.get(&object.location).await.unwrap().bytes().await.unwrap();
        let mut text = String::new();
        flate2::read::GzDecoder::new(bytes.as_ref()).read_to_string(&mut text).unwrap();
        assert_eq!(text, "{\"a\":1}\n{\"a\":2}\n");
    }

    #[test]
    fn a_url_without_a_place_is_refused() {
        for url in ["", "raw/spill", "ftp://host/x", "s3:///prefix"] {
            assert!(matches!(Spill::open(url, Duration::from_secs(1)), Err(SpillError::Url(_))), "{url}");
        }
    }
}
