//! Opens the stores that a lake, or raw objects, may lie in.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStore, RetryConfig};
use url::{Host, Url};

use crate::error::LakeError;
use crate::local::LocalStore;

/// Retries of one request by the S3 client. The default of `object_store`, 10 in 180 s, outlives most Lambdas.
const S3_RETRIES: usize = 4;
const S3_RETRY_TIMEOUT: Duration = Duration::from_secs(20);
const S3_REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const S3_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Opens the store behind an address; returns it, the path inside it, and the URI under which that path is known to
/// readers outside (without a slash at its end).
///
/// - `s3://bucket/prefix`: credentials, region and `AWS_ENDPOINT_URL` from the environment; plain HTTP only to loopback.
/// - `file:///dir`: made if absent. The store is rooted at the directory, the path is empty.
/// - `memory://name`: a new, empty store each time.
///
/// # Errors
/// [`LakeError::Url`] if the address cannot be used.
pub fn open(url: &str) -> Result<(Arc<dyn ObjectStore>, Path, String), LakeError> {
    let fail = |problem: String| LakeError::Url { url: url.to_owned(), problem };
    let parsed = Url::parse(url).map_err(|error| fail(error.to_string()))?;
    if parsed.query().is_some() || parsed.fragment().is_some() {
        return Err(fail("a query or fragment has no meaning here".to_owned()));
    }
    let prefix = || Path::from_url_path(parsed.path()).map_err(|error| fail(error.to_string()));
    let base_uri = |root: &str, prefix: &Path| match prefix.as_ref() {
        "" => root.to_owned(),
        path => format!("{root}/{path}"),
    };
    match parsed.scheme() {
        "s3" => {
            let bucket = parsed.host_str().ok_or_else(|| fail("it names no bucket".to_owned()))?;
            let prefix = prefix()?;
            let store = open_s3(bucket).map_err(|error| fail(error.to_string()))?;
            let base_uri = base_uri(&format!("s3://{bucket}"), &prefix);
            Ok((store, prefix, base_uri))
        }
        "file" => {
            if parsed.host_str().is_some_and(|host| !host.is_empty()) {
                return Err(fail("a directory is written file:///dir, with three slashes".to_owned()));
            }
            let directory = parsed.to_file_path().map_err(|()| fail("it is no absolute path".to_owned()))?;
            let (store, root) = open_directory(&directory).map_err(|error| fail(error.to_string()))?;
            let root = root.to_str().ok_or_else(|| fail("the path is not UTF-8".to_owned()))?;
            Ok((store, Path::default(), format!("file://{root}")))
        }
        "memory" => {
            let prefix = prefix()?;
            let base_uri = base_uri(&format!("memory://{}", parsed.host_str().unwrap_or_default()), &prefix);
            Ok((Arc::new(InMemory::new()), prefix, base_uri))
        }
        other => Err(fail(format!("the scheme {other} is not s3, file or memory"))),
    }
}

fn open_directory(directory: &std::path::Path) -> Result<(Arc<dyn ObjectStore>, PathBuf), Box<dyn std::error::Error>> {
    std::fs::create_dir_all(directory)?;
    let root = directory.canonicalize()?;
    Ok((Arc::new(LocalStore::new(&root)?), root))
}

fn open_s3(bucket: &str) -> Result<Arc<dyn ObjectStore>, object_store::Error> {
    install_crypto_provider();
    let builder = AmazonS3Builder::from_env();
    let endpoint = builder.get_config_value(&AmazonS3ConfigKey::Endpoint);
    let mut client = ClientOptions::new().with_timeout(S3_REQUEST_TIMEOUT).with_connect_timeout(S3_CONNECT_TIMEOUT);
    if endpoint.is_some_and(|endpoint| is_loopback(&endpoint)) {
        client = client.with_allow_http(true);
    }
    let retry = RetryConfig { max_retries: S3_RETRIES, retry_timeout: S3_RETRY_TIMEOUT, ..RetryConfig::default() };
    let store = builder
        .with_bucket_name(bucket)
        .with_client_options(client)
        .with_retry(retry)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .build()?;
    Ok(Arc::new(store))
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

/// The TLS library is built without a default; the process chooses ring once.
fn install_crypto_provider() {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        // An error means that the process has chosen already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_understood() {
        let (_, prefix, base) = open("memory://test/a/b/").unwrap();
        assert_eq!((prefix.as_ref(), base.as_str()), ("a/b", "memory://test/a/b"));
        let (_, prefix, base) = open("s3://bucket/lake").unwrap();
        assert_eq!((prefix.as_ref(), base.as_str()), ("lake", "s3://bucket/lake"));
        let (_, _, base) = open("s3://bucket").unwrap();
        assert_eq!(base, "s3://bucket");
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().canonicalize().unwrap();
        let (_, prefix, base) = open(&format!("file://{}/new", path.display())).unwrap();
        assert_eq!((prefix.as_ref(), base), ("", format!("file://{}/new", path.display())));
    }

    #[test]
    fn other_addresses_are_the_callers_fault() {
        for url in ["/tmp/x", "http://x/y", "file://tmp/x", "s3:///prefix", "s3://b/p?x=1"] {
            let error = open(url).map(|_| ()).unwrap_err();
            assert_eq!(error.fault(), crate::error::Fault::Caller, "{url}: {error}");
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
}
