//! The spill: where lines go that the delivery stream did not take. They become one gzip object beside the raw ones, so that
//! the transform sees no difference.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt, RetryConfig};

use crate::clock;
use crate::file_sink::gzip;

/// Longest time that one attempt to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(400);

/// A prefix of a bucket, or a directory.
pub struct Spill {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    now: fn() -> i64,
    budget: Duration,
}

/// Why a spill cannot be used or did not work.
#[derive(Debug, thiserror::Error)]
pub enum SpillError {
    /// `SPILL_URL` names no place.
    #[error("SPILL_URL must be s3://<bucket>/<prefix> or file:///<directory>")]
    Url,
    /// The store said no, or gave no answer.
    #[error("the spill did not take the object")]
    Store(#[from] object_store::Error),
    /// The object could not be made.
    #[error("the object could not be compressed")]
    Compress(#[from] std::io::Error),
    /// The time was up.
    #[error("the spill gave no answer within {0:?}")]
    Timeout(Duration),
}

impl Spill {
    /// The spill at `url`. `now` gives milliseconds since 1970, UTC; `budget` is the longest that a put may take.
    ///
    /// # Errors
    /// The URL names no place, or the client cannot be made.
    pub fn open(url: &str, now: fn() -> i64, budget: Duration) -> Result<Self, SpillError> {
        let parsed = url::Url::parse(url).map_err(|_| SpillError::Url)?;
        let (store, prefix): (Arc<dyn ObjectStore>, Path) = match parsed.scheme() {
            "s3" => {
                // A second call finds a provider installed already, which is as good.
                let _ = rustls::crypto::ring::default_provider().install_default();
                let bucket = parsed.host_str().ok_or(SpillError::Url)?;
                let store = AmazonS3Builder::from_env()
                    .with_bucket_name(bucket)
                    .with_client_options(
                        ClientOptions::new()
                            .with_allow_http(true)
                            .with_connect_timeout(CONNECT_TIMEOUT)
                            .with_timeout(budget),
                    )
                    .with_retry(RetryConfig { max_retries: 2, retry_timeout: budget, ..RetryConfig::default() })
                    .build()?;
                (Arc::new(store), Path::from_url_path(parsed.path()).map_err(|_| SpillError::Url)?)
            }
            "file" => {
                let directory = parsed.to_file_path().map_err(|()| SpillError::Url)?;
                std::fs::create_dir_all(&directory)?;
                let store = object_store::local::LocalFileSystem::new_with_prefix(directory)?;
                (Arc::new(store), Path::default())
            }
            _ => return Err(SpillError::Url),
        };
        Ok(Self::with_store(store, prefix, now, budget))
    }

    /// The spill at `prefix` of `store`.
    pub fn with_store(store: Arc<dyn ObjectStore>, prefix: Path, now: fn() -> i64, budget: Duration) -> Self {
        Self { store, prefix, now, budget }
    }

    /// Puts whole lines as one object; returns once the store has it.
    ///
    /// # Errors
    /// The store refused it, or gave no answer in time; the object may exist all the same.
    pub async fn put(&self, lines: &[u8]) -> Result<(), SpillError> {
        let name = self.prefix.parts().chain(Path::from(clock::object_name((self.now)())).parts()).collect::<Path>();
        let object = gzip(lines)?;
        tokio::time::timeout(self.budget, self.store.put(&name, object.into()))
            .await
            .map_err(|_| SpillError::Timeout(self.budget))??;
        Ok(())
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
        let spill = Spill::with_store(store.clone(), prefix, || 1_700_000_000_000, Duration::from_secs(1));
        spill.put(b"{\"a\":1}\n{\"a\":2}\n").await.unwrap();
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
            assert!(matches!(Spill::open(url, || 0, Duration::from_secs(1)), Err(SpillError::Url)), "{url}");
        }
    }
}
