//! Opens the object stores of the project: the lake, the raw objects and the spill.
//!
//! | URL | store |
//! |---|---|
//! | `s3://bucket/prefix` | S3 |
//! | `file:///directory` | a directory with conditional writes; created if absent |
//! | `memory://name` | a new, empty store in memory, for tests |
//!
//! S3 credentials and region come from [`use_aws_access`] or from environment variables. `AWS_ENDPOINT_URL` selects
//! an emulator; plain HTTP is allowed only for loopback addresses.
//!
//! A [`Profile`] sets time-outs and retries of S3 requests: a batch job may wait longer than a webhook.
//!
//! A store names its objects by [`object_store::path::Path`], which cannot hold every key of S3. [`Bucket`] reads the
//! others. The listings of the stores leave them out and report them ([`IgnoredKeys`]).

mod bucket;
mod keys;
mod local;
mod s3;

use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub use object_store::CredentialProvider;
pub use object_store::aws::AwsCredential;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredentialProvider, S3ConditionalPut};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStore, RetryConfig};
use url::{Host, Url};

pub use bucket::{Bucket, Content, Listed};
pub use keys::{IgnoredKeys, path_of};
use local::LocalStore;
pub use local::delete_leftovers;
use s3::S3Store;

/// Time-outs and retries of requests to S3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Maximum time to establish a connection.
    pub connect_timeout: Duration,
    /// Maximum time of one request.
    pub request_timeout: Duration,
    /// Maximum number of retries of one request.
    pub retries: usize,
    /// No retry starts later than this after the first attempt.
    pub retry_timeout: Duration,
}

impl Profile {
    /// For batch jobs. The default of `object_store` (10 retries in 180 s) exceeds the time-out of most Lambda
    /// functions.
    pub const BATCH: Self = Self {
        connect_timeout: Duration::from_secs(5),
        request_timeout: Duration::from_secs(30),
        retries: 4,
        retry_timeout: Duration::from_secs(20),
    };

    /// For a request that a client waits for. All attempts together end within `budget`.
    pub fn within(budget: Duration) -> Self {
        let connect_timeout = (budget / 3).min(Duration::from_millis(400));
        Self { connect_timeout, request_timeout: budget, retries: 2, retry_timeout: budget }
    }
}

/// A URL that cannot be opened as a store.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the store {url:?}: {problem}")]
pub struct OpenError {
    /// The URL as given.
    pub url: String,
    /// Description of the problem.
    pub problem: String,
}

/// An open object store and its location.
#[derive(Clone, Debug)]
pub struct Location {
    /// The store: a bucket, a directory or memory.
    pub store: Arc<dyn ObjectStore>,
    /// The path of the URL inside the bucket; empty for a directory.
    pub prefix: Path,
    /// The URL as other programs use it, without a trailing slash.
    pub base_uri: String,
    /// The directory of a `file://` URL; `None` for other URLs.
    pub directory: Option<PathBuf>,
    /// The bucket of an `s3://` URL; `None` for other URLs.
    pub bucket: Option<String>,
    /// The keys that listings of the store left out. They are whole keys of the bucket, or names of files below the
    /// directory.
    pub ignored: IgnoredKeys,
}

/// Opens the store at `url`. Does no I/O except to create the directory of a `file://` URL.
///
/// # Errors
/// The URL is malformed, has another scheme, or its directory cannot be created.
pub fn open(url: &str, profile: Profile) -> Result<Location, OpenError> {
    let fail = |problem: String| OpenError { url: url.to_owned(), problem };
    let parsed = Url::parse(url).map_err(|error| fail(error.to_string()))?;
    if parsed.query().is_some() || parsed.fragment().is_some() {
        return Err(fail("a store's URL has no query and no fragment".to_owned()));
    }
    let host = parsed.host_str().unwrap_or_default();
    let prefix = || Path::from_url_path(parsed.path()).map_err(|error| fail(error.to_string()));
    let below = |store: Arc<dyn ObjectStore>, prefix: Path, ignored: IgnoredKeys| {
        let base_uri = match prefix.as_ref() {
            "" => format!("{}://{host}", parsed.scheme()),
            path => format!("{}://{host}/{path}", parsed.scheme()),
        };
        let bucket = (parsed.scheme() == "s3").then(|| host.to_owned());
        Location { store, prefix, base_uri, directory: None, bucket, ignored }
    };
    match parsed.scheme() {
        "s3" if host.is_empty() => Err(fail("the bucket is missing: s3://bucket/prefix".to_owned())),
        "s3" => {
            let prefix = prefix()?;
            let store = open_s3(host, profile).map_err(|error| fail(error.to_string()))?;
            let ignored = store.ignored.clone();
            Ok(below(Arc::new(store), prefix, ignored))
        }
        "file" => {
            let directory =
                directory(url).ok_or_else(|| fail("a directory is written file:///directory".to_owned()))?;
            open_directory(&directory).map_err(|error| fail(error.to_string()))
        }
        "memory" => Ok(below(Arc::new(InMemory::new()), prefix()?, IgnoredKeys::default())),
        other => Err(fail(format!("the scheme {other:?} is not s3, file or memory"))),
    }
}

/// The directory of a `file://` URL; `None` for any other URL.
pub fn directory(url: &str) -> Option<PathBuf> {
    let parsed = Url::parse(url).ok().filter(|url| url.scheme() == "file")?;
    if parsed.host_str().is_some_and(|host| !host.is_empty()) {
        return None;
    }
    parsed.to_file_path().ok()
}

fn open_directory(directory: &FilePath) -> Result<Location, Box<dyn std::error::Error>> {
    std::fs::create_dir_all(directory)?;
    let root = directory.canonicalize()?;
    let store = LocalStore::new(&root)?;
    let ignored = store.ignored.clone();
    let base_uri = format!("file://{}", root.to_str().ok_or("the path is not UTF-8")?);
    let (store, prefix, directory) = (Arc::new(store), Path::default(), Some(root));
    Ok(Location { store, prefix, base_uri, directory, bucket: None, ignored })
}

/// S3 credentials and region that the program resolves itself.
pub struct AwsAccess {
    /// Provider of the credentials that sign each request.
    pub credentials: AwsCredentialProvider,
    /// Region to use if the environment sets none.
    pub region: Option<String>,
}

static AWS_ACCESS: OnceLock<AwsAccess> = OnceLock::new();

/// Makes all stores opened from now on use `access` instead of the credential chain of `object_store`, which supports
/// neither profiles nor SSO. Only the first call has an effect.
pub fn use_aws_access(access: AwsAccess) {
    let _ = AWS_ACCESS.set(access);
}

/// The settings of a bucket in S3: those of the environment, and the credentials of [`use_aws_access`].
fn s3_builder(bucket: &str) -> AmazonS3Builder {
    install_crypto_provider();
    let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
    if let Some(access) = AWS_ACCESS.get() {
        builder = builder.with_credentials(Arc::clone(&access.credentials));
        if let Some(region) = access.region.as_ref().filter(|_| std::env::var_os("AWS_REGION").is_none()) {
            builder = builder.with_region(region);
        }
    }
    builder
}

fn open_s3(bucket: &str, profile: Profile) -> Result<S3Store, object_store::Error> {
    let builder = s3_builder(bucket);
    let endpoint = builder.get_config_value(&AmazonS3ConfigKey::Endpoint);
    let client = ClientOptions::new()
        .with_timeout(profile.request_timeout)
        .with_connect_timeout(profile.connect_timeout)
        .with_allow_http(endpoint.is_some_and(|endpoint| is_loopback(&endpoint)));
    let retry =
        RetryConfig { max_retries: profile.retries, retry_timeout: profile.retry_timeout, ..RetryConfig::default() };
    let store = builder
        .with_client_options(client)
        .with_retry(retry)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .build()?;
    Ok(S3Store::new(store, bucket, profile))
}

fn is_loopback(endpoint: &str) -> bool {
    let Ok(url) = Url::parse(endpoint) else { return false };
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Installs `ring` as the process's TLS crypto provider once. rustls is built without a default one.
fn install_crypto_provider() {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        // An error means that the process already has a provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(url: &str) -> (String, String) {
        let location = open(url, Profile::BATCH).unwrap();
        (location.prefix.to_string(), location.base_uri)
    }

    #[test]
    fn each_scheme_gives_prefix_and_base_uri() {
        let pair = |prefix: &str, base: &str| (prefix.to_owned(), base.to_owned());
        assert_eq!(opened("memory://test/a/b/"), pair("a/b", "memory://test/a/b"));
        assert_eq!(opened("s3://bucket/lake"), pair("lake", "s3://bucket/lake"));
        assert_eq!(opened("s3://bucket"), pair("", "s3://bucket"));
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().canonicalize().unwrap();
        let url = format!("file://{}/new", path.display());
        assert_eq!(opened(&url), pair("", &url));
        assert_eq!(open(&url, Profile::BATCH).unwrap().directory, Some(path.join("new")));
    }

    #[test]
    fn other_urls_are_refused() {
        for url in ["/tmp/x", "http://x/y", "file://tmp/x", "s3:///prefix", "s3://b/p?x=1", "", "ftp://host/x"] {
            let error = open(url, Profile::BATCH).unwrap_err();
            assert!(error.to_string().contains(&format!("{url:?}")), "{error}");
        }
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        assert!(is_loopback("http://127.0.0.1:5000") && is_loopback("http://localhost:5000/"));
        assert!(is_loopback("http://[::1]:5000"));
        assert!(
            !is_loopback("http://example.com") && !is_loopback("http://localhost.example.com") && !is_loopback("x")
        );
    }

    #[test]
    fn a_budget_bounds_every_time_out() {
        let budget = Duration::from_millis(900);
        let profile = Profile::within(budget);
        assert!(profile.connect_timeout < budget && profile.request_timeout <= budget);
        assert!(profile.retry_timeout <= budget);
    }
}
