//! A bucket of S3 as an object store, in which any object may lie beside those of Bluetick.
//!
//! The listing of `object_store` fails as a whole if a page holds one key that no path represents. [`S3Store`] lists
//! by [`Bucket`] instead and leaves such keys out.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures::future::ready;
use futures::stream::{BoxStream, StreamExt, TryStreamExt, once};
use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

use crate::bucket::{Bucket, Listed};
use crate::keys::{IgnoredKeys, path_of};
use crate::{OpenError, Profile};

/// A bucket.
#[derive(Debug)]
pub(crate) struct S3Store {
    inner: AmazonS3,
    name: String,
    profile: Profile,
    /// The same bucket for listings. Opened by the first listing, because most processes list nothing.
    bucket: OnceLock<Arc<Bucket>>,
    /// The keys that listings left out.
    pub(crate) ignored: IgnoredKeys,
}

impl S3Store {
    pub(crate) fn new(inner: AmazonS3, name: &str, profile: Profile) -> Self {
        let (bucket, ignored) = (OnceLock::new(), IgnoredKeys::default());
        Self { inner, name: name.to_owned(), profile, bucket, ignored }
    }

    fn bucket(&self) -> std::result::Result<Arc<Bucket>, OpenError> {
        if let Some(bucket) = self.bucket.get() {
            return Ok(Arc::clone(bucket));
        }
        let opened = Arc::new(Bucket::open(&self.name, self.profile)?);
        Ok(Arc::clone(self.bucket.get_or_init(|| opened)))
    }
}

/// The object as `object_store` describes it; `None` if no path represents its key.
fn meta(Listed { key, size, modified }: Listed, ignored: &IgnoredKeys) -> Option<ObjectMeta> {
    let location = path_of(&key);
    // The S3 console creates an empty object of such a name for each folder.
    let is_folder_marker = size == 0 && key.ends_with('/');
    if location.is_none() && !is_folder_marker {
        ignored.add(&key);
    }
    Some(ObjectMeta { location: location?, last_modified: modified.into(), size, e_tag: None, version: None })
}

impl fmt::Display for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S3Store({})", self.inner)
    }
}

#[async_trait::async_trait]
impl ObjectStore for S3Store {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let bucket = match self.bucket() {
            Ok(bucket) => bucket,
            Err(error) => {
                let source = error.into();
                return once(ready(Err(Error::Generic { store: "S3", source }))).boxed();
            }
        };
        let prefix = prefix.filter(|prefix| !prefix.as_ref().is_empty());
        let prefix = prefix.map(|prefix| format!("{prefix}/")).unwrap_or_default();
        let ignored = self.ignored.clone();
        bucket.list(&prefix).try_filter_map(move |listed| ready(Ok(meta(listed, &ignored)))).boxed()
    }

    /// Fails if a key has no path. No code of Bluetick lists this way.
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
    use object_store::ClientOptions;
    use object_store::aws::AmazonS3Builder;
    use object_store::prefix::PrefixStore;

    use super::*;
    use crate::bucket::tests::{answer, entry, page, server, url};

    /// A bucket on loopback that gives these answers, one after the other.
    async fn store(answers: Vec<String>) -> S3Store {
        crate::install_crypto_provider();
        let (bucket, _) = server(answers).await;
        let client = ClientOptions::new().with_allow_http(true);
        let inner = AmazonS3Builder::new()
            .with_endpoint(url(&bucket).trim_end_matches("/bucket"))
            .with_bucket_name("bucket")
            .with_access_key_id("key")
            .with_secret_access_key("secret")
            .with_client_options(client)
            .build();
        let store = S3Store::new(inner.unwrap(), "bucket", Profile::BATCH);
        store.bucket.set(bucket).unwrap();
        store
    }

    /// Two pages of a listing: usable keys, a folder marker, and keys that no path represents.
    fn pages() -> Vec<String> {
        let first: String = [
            ("lake/data/", 0),
            ("lake/data/../a", 1),
            ("lake/data/./a", 1),
            ("lake/data//a", 0),
            ("lake/data/a", 7),
            ("lake/data/a/", 1),
            ("lake/data/a%0Ab", 1),
        ]
        .map(|(key, size)| entry(key, size))
        .concat();
        let encoded = "<EncodingType>url</EncodingType>";
        let next = "<NextContinuationToken>x</NextContinuationToken>";
        vec![page(&format!("{encoded}{first}{next}")), page(&format!("{encoded}{}", entry("lake/data/b+c", 9)))]
    }

    #[tokio::test]
    async fn a_listing_leaves_out_keys_without_a_path_and_names_them() {
        let store = store(pages()).await;
        let ignored = store.ignored.clone();
        let lake = PrefixStore::new(store, "lake");
        let listed: Vec<ObjectMeta> = lake.list(Some(&Path::from("data"))).try_collect().await.unwrap();
        let found: Vec<_> = listed.iter().map(|meta| (meta.location.as_ref(), meta.size)).collect();
        assert_eq!(found, [("data/a", 7), ("data/b c", 9)]);
        assert!(listed.iter().all(|meta| meta.last_modified.timestamp_millis() == 1_795_255_200_000));
        let expected = ["lake/data/../a", "lake/data/./a", "lake/data//a", "lake/data/a\nb", "lake/data/a/"];
        assert_eq!(Vec::from_iter(ignored.take()), expected);
    }

    /// Why the listing of `object_store` is not used.
    #[tokio::test]
    async fn the_client_itself_fails_at_such_a_key() {
        let store = store(pages()).await;
        let error = store.inner.list(Some(&Path::from("lake/data"))).try_collect::<Vec<_>>().await.unwrap_err();
        assert!(matches!(error, Error::InvalidPath { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_listing_that_fails_is_not_taken_for_its_first_page() {
        let refused = answer("403 Forbidden", "AccessDenied");
        let store = store(vec![pages().remove(0), refused]).await;
        assert!(store.list(None).try_collect::<Vec<_>>().await.is_err());
    }
}
