//! Reads a bucket of S3 by its plain keys.
//!
//! `object_store` cannot name every key that S3 can hold: its paths have no empty segments, no `.` or `..` and no
//! control characters, and its HTTP client removes dot segments from URLs. [`Bucket`] sends signed GET requests whose
//! paths are the keys, percent-encoded and otherwise unchanged. It has the settings of the stores that
//! [`open`](crate::open) returns: region, endpoint, credentials, time-outs and number of retries.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider as TlsProvider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::http::{Request, Response};
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::date_time::{DateTime, Format};
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt, TryStreamExt, try_unfold};
use object_store::aws::{AmazonS3ConfigKey, AwsCredentialProvider};
use object_store::{Error, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Deserialize;

use crate::{OpenError, Profile, is_loopback, s3_builder};

/// What a URL's query must encode: everything but the unreserved characters of RFC 3986.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same for a key in a URL's path: slashes stay.
const KEY: &AsciiSet = &QUERY.remove(b'/');
/// Wait before the first retry; doubled each time.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// Maximum number of bytes of an error response that are read.
const ERROR_BYTES: usize = 4_096;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A bucket that is read by plain keys.
pub struct Bucket {
    /// Scheme, host and bucket, without a slash at the end.
    url: String,
    region: String,
    credentials: AwsCredentialProvider,
    connector: Connector,
    profile: Profile,
}

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The key.
    pub key: String,
    /// Size in bytes.
    pub size: u64,
    /// When the object was written.
    pub modified: SystemTime,
}

/// The content of an object.
pub struct Content {
    /// When the object was written, in milliseconds since 1970, UTC.
    pub modified_ms: i64,
    /// The bytes.
    pub pieces: BoxStream<'static, Result<Bytes>>,
}

impl Content {
    /// Reads all bytes.
    ///
    /// # Errors
    /// The store failed, or the content ended early.
    pub async fn bytes(self) -> Result<Vec<u8>> {
        self.pieces
            .try_fold(Vec::new(), |mut all, piece| async move {
                all.extend_from_slice(&piece);
                Ok(all)
            })
            .await
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Bucket").field("url", &self.url).finish_non_exhaustive()
    }
}

/// The response to ListObjectsV2
/// (docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    encoding_type: Option<String>,
    #[serde(default)]
    contents: Vec<Entry>,
    next_continuation_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    key: String,
    size: u64,
    last_modified: String,
}

impl Entry {
    fn listed(self, is_encoded: bool) -> Result<Listed> {
        let modified = DateTime::from_str(&self.last_modified, Format::DateTime);
        let modified = modified.ok().and_then(|time| SystemTime::try_from(time).ok());
        let problem = || failed(format!("S3 gave the time {:?} for {:?}", self.last_modified, self.key).into());
        let modified = modified.ok_or_else(problem)?;
        let key = if is_encoded { decoded(&self.key)? } else { self.key };
        Ok(Listed { key, size: self.size, modified })
    }
}

impl Bucket {
    /// Opens the bucket `name`. Does no I/O.
    ///
    /// # Errors
    /// The settings in the environment are not valid, or the endpoint is plain HTTP on another machine.
    pub fn open(name: &str, profile: Profile) -> Result<Self, OpenError> {
        let fail = |problem: String| OpenError { url: format!("s3://{name}"), problem };
        let builder = s3_builder(name);
        let setting = |key| builder.get_config_value(&key);
        let region = setting(AmazonS3ConfigKey::Region).unwrap_or_else(|| "us-east-1".to_owned());
        let endpoint = setting(AmazonS3ConfigKey::S3Endpoint).or_else(|| setting(AmazonS3ConfigKey::Endpoint));
        if let Some(endpoint) = endpoint.as_ref().filter(|url| url.starts_with("http:") && !is_loopback(url)) {
            return Err(fail(format!("the endpoint {endpoint:?} needs https")));
        }
        let endpoint = endpoint.unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
        let url = format!("{}/{name}", endpoint.trim_end_matches('/'));
        let credentials = builder.build().map_err(|error| fail(error.to_string()))?.credentials().clone();
        Ok(Self::new(url, region, credentials, profile))
    }

    fn new(url: String, region: String, credentials: AwsCredentialProvider, profile: Profile) -> Self {
        let times = HttpConnectorSettings::builder()
            .connect_timeout(profile.connect_timeout)
            .read_timeout(profile.request_timeout)
            .build();
        let tls = TlsProvider::Rustls(CryptoMode::Ring);
        let connector = Connector::builder().connector_settings(times).tls_provider(tls).build();
        Self { url, region, credentials, connector, profile }
    }

    /// Reads an object.
    ///
    /// # Errors
    /// The object does not exist or may not be read, or S3 did not answer.
    pub async fn get(&self, key: &str) -> Result<Content> {
        let response = self.send(&format!("/{}", utf8_percent_encode(key, KEY)), key).await?;
        let modified = response.headers().get("last-modified");
        let modified = modified.and_then(|text| DateTime::from_str(text, Format::HttpDate).ok());
        let modified_ms = modified.and_then(|time| time.to_millis().ok()).unwrap_or_default();
        let (limit, body) = (self.profile.request_timeout, ByteStream::new(response.into_body()));
        let pieces = try_unfold(body, move |mut body| async move {
            let piece = tokio::time::timeout(limit, body.try_next()).await.map_err(|error| failed(error.into()))?;
            Ok(piece.map_err(|error| failed(error.into()))?.map(|piece| (piece, body)))
        });
        Ok(Content { modified_ms, pieces: pieces.boxed() })
    }

    /// Lists the objects whose keys begin with `prefix`, in the order of S3: by the bytes of the keys.
    pub fn list(self: Arc<Self>, prefix: &str) -> BoxStream<'static, Result<Listed>> {
        let first = format!("?list-type=2&encoding-type=url&prefix={}", utf8_percent_encode(prefix, QUERY));
        let pages = try_unfold(Some(String::new()), move |position| {
            let (bucket, first) = (Arc::clone(&self), first.clone());
            async move {
                let Some(position) = position else { return Ok::<_, Error>(None) };
                let page = bucket.page(&format!("{first}{position}")).await?;
                let next = page.next_continuation_token.filter(|token| !token.is_empty());
                let next = next.map(|token| format!("&continuation-token={}", utf8_percent_encode(&token, QUERY)));
                let is_encoded = page.encoding_type.as_deref() == Some("url");
                let listed = page.contents.into_iter().map(move |entry| entry.listed(is_encoded));
                Ok(Some((futures::stream::iter(listed), next)))
            }
        });
        pages.try_flatten().boxed()
    }

    async fn page(&self, query: &str) -> Result<Page> {
        let response = self.send(query, query).await?;
        let body = ByteStream::new(response.into_body()).collect();
        let body =
            tokio::time::timeout(self.profile.request_timeout, body).await.map_err(|error| failed(error.into()))?;
        let body = body.map_err(|error| failed(error.into()))?.into_bytes();
        quick_xml::de::from_reader(&*body).map_err(|error| failed(error.into()))
    }

    /// Sends a GET request for `path` (the part of the URL behind the bucket) until S3 answers with success or the
    /// retries are used up. `name` is what is asked for, for error messages.
    async fn send(&self, path: &str, name: &str) -> Result<Response> {
        let (started, mut wait, mut retries) = (Instant::now(), FIRST_WAIT, self.profile.retries);
        loop {
            let error = match self.send_once(path, name).await {
                Ok(response) => return Ok(response),
                Err(Refused { error, is_final: true }) => return Err(error),
                Err(Refused { error, .. }) => error,
            };
            if retries == 0 || started.elapsed() + wait > self.profile.retry_timeout {
                return Err(error);
            }
            tracing::debug!(%error, "a request to S3 failed; it is sent again");
            tokio::time::sleep(wait).await;
            (retries, wait) = (retries - 1, wait * 2);
        }
    }

    async fn send_once(&self, path: &str, name: &str) -> std::result::Result<Response, Refused> {
        let request = self.signed(&format!("{}{path}", self.url)).await.map_err(Refused::finally)?;
        let response = self.connector.call(request).await.map_err(|error| Refused::once(failed(error.into())))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let mut body = ByteStream::new(response.into_body());
        let mut text = Vec::new();
        while let Ok(Ok(Some(piece))) = tokio::time::timeout(self.profile.request_timeout, body.try_next()).await {
            text.extend_from_slice(&piece);
            if text.len() >= ERROR_BYTES {
                break;
            }
        }
        let text = String::from_utf8_lossy(text.get(..ERROR_BYTES).unwrap_or(&text)).into_owned();
        let source = Cause::from(format!("S3 answered {} to a request for {name:?}: {text}", status.as_u16()));
        let path = name.to_owned();
        Err(match status.as_u16() {
            404 => Refused::finally(Error::NotFound { path, source }),
            403 => Refused::finally(Error::PermissionDenied { path, source }),
            401 => Refused::finally(Error::Unauthenticated { path, source }),
            429 => Refused::once(failed(source)),
            _ if status.is_server_error() => Refused::once(failed(source)),
            _ => Refused::finally(failed(source)),
        })
    }

    /// A signed request. S3 signs the path as it stands: neither normalised nor encoded a second time
    /// (docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html).
    async fn signed(&self, url: &str) -> Result<Request> {
        let found = self.credentials.get_credential().await?;
        let credentials = Credentials::new(&*found.key_id, &*found.secret_key, found.token.clone(), None, "bluetick");
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let identity = credentials.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("s3")
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .map_err(|error| failed(error.into()))?
            .into();
        let mut request = Request::get(url).map_err(|error| failed(error.into()))?;
        let signable = SignableRequest::new("GET", url, std::iter::empty(), SignableBody::Bytes(&[]));
        let signature =
            signable.and_then(|signable| sign(signable, &parameters)).map_err(|error| failed(error.into()))?;
        let (headers, _) = signature.into_parts().0.into_parts();
        for header in headers {
            let value = header.value().to_owned();
            request.headers_mut().try_insert(header.name(), value).map_err(|error| failed(error.into()))?;
        }
        Ok(request)
    }
}

/// An attempt at a request that failed.
struct Refused {
    error: Error,
    /// Whether another attempt would fail, too.
    is_final: bool,
}

impl Refused {
    fn finally(error: Error) -> Self {
        Self { error, is_final: true }
    }

    fn once(error: Error) -> Self {
        Self { error, is_final: false }
    }
}

fn failed(source: Cause) -> Error {
    Error::Generic { store: "S3", source }
}

/// Decodes a key of a listing with `encoding-type=url`: a space is `+` or `%20`.
fn decoded(key: &str) -> Result<String> {
    let spaced = key.replace('+', " ");
    let text = percent_decode_str(&spaced).decode_utf8().map_err(|error| failed(error.into()))?;
    Ok(text.into_owned())
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Mutex;

    use object_store::StaticCredentialProvider;
    use object_store::aws::AwsCredential;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Every way in which a key can have no path, and some that have one. The second text is the key in the URL.
    const KEYS: [(&str, &str); 13] = [
        ("raw//a.gz", "raw//a.gz"),
        ("/raw/a.gz", "/raw/a.gz"),
        ("raw/a/", "raw/a/"),
        ("raw/./a.gz", "raw/./a.gz"),
        ("raw/x/../a.gz", "raw/x/../a.gz"),
        ("raw/..", "raw/.."),
        ("raw/%2e%2E/a.gz", "raw/%252e%252E/a.gz"),
        ("raw/a\nb\r\0\u{7f}.gz", "raw/a%0Ab%0D%00%7F.gz"),
        ("raw/a?versionId=1#b&c.gz", "raw/a%3FversionId%3D1%23b%26c.gz"),
        ("raw/a b+c.gz", "raw/a%20b%2Bc.gz"),
        ("raw/a\\b~c.gz", "raw/a%5Cb~c.gz"),
        ("raw/gr\u{fc}n.gz", "raw/gr%C3%BCn.gz"),
        (" ", "%20"),
    ];

    /// A server on loopback that answers request after request with the given responses, and the heads that it got.
    pub(crate) async fn server(responses: Vec<String>) -> (Arc<Bucket>, Arc<Mutex<Vec<String>>>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/bucket", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        tokio::spawn(async move {
            for response in responses {
                let (mut connection, _) = listener.accept().await.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(connection.read_u8().await.unwrap());
                }
                seen.lock().unwrap().push(String::from_utf8(head).unwrap());
                connection.write_all(response.as_bytes()).await.unwrap();
            }
        });
        let credential = AwsCredential {
            key_id: "key".to_owned(),
            secret_key: "secret".to_owned(),
            token: Some("session".to_owned()),
        };
        let credentials = Arc::new(StaticCredentialProvider::new(credential));
        (Arc::new(Bucket::new(url, "eu-west-1".to_owned(), credentials, Profile::BATCH)), heads)
    }

    pub(crate) fn answer(status: &str, body: &str) -> String {
        let (length, date) = (body.len(), "Sat, 21 Nov 2026 10:00:00 GMT");
        format!(
            "HTTP/1.1 {status}\r\nlast-modified: {date}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        )
    }

    /// A page of a listing.
    pub(crate) fn page(inner: &str) -> String {
        answer("200 OK", &format!("<ListBucketResult xmlns=\"x\">{inner}</ListBucketResult>"))
    }

    /// An object in a page.
    pub(crate) fn entry(key: &str, size: u64) -> String {
        let time = "2026-11-21T10:00:00.000Z";
        format!("<Contents><Key>{key}</Key><LastModified>{time}</LastModified><Size>{size}</Size></Contents>")
    }

    /// Scheme, host and bucket.
    pub(crate) fn url(bucket: &Bucket) -> &str {
        &bucket.url
    }

    async fn read(bucket: &Bucket, key: &str) -> Result<Vec<u8>> {
        bucket.get(key).await?.bytes().await
    }

    #[tokio::test]
    async fn a_request_names_the_key_as_it_is() {
        let (bucket, heads) = server(KEYS.iter().map(|(key, _)| answer("200 OK", key)).collect()).await;
        for (key, _) in KEYS {
            let content = bucket.get(key).await.unwrap();
            assert_eq!(content.modified_ms, 1_795_255_200_000);
            assert_eq!(content.bytes().await.unwrap(), key.as_bytes());
        }
        for ((_, path), head) in KEYS.iter().zip(heads.lock().unwrap().iter()) {
            assert!(head.starts_with(&format!("GET /bucket/{path} HTTP/1.1\r\n")), "{head}");
            let has = |name: &str| head.lines().any(|line| line.starts_with(name));
            assert!(has("authorization: AWS4-HMAC-SHA256 Credential=key/") && has("x-amz-security-token: session"));
        }
    }

    #[tokio::test]
    async fn a_listing_follows_its_pages_and_decodes_keys() {
        let encoded = "<EncodingType>url</EncodingType>";
        let entry = |key: &str| entry(key, 7);
        let first = format!(
            "{encoded}{}{}<IsTruncated>true</IsTruncated><NextContinuationToken>1/+=</NextContinuationToken>",
            entry("raw//a%0Ab.gz"),
            entry("raw/a+b%2Bc%20d.gz")
        );
        let (bucket, heads) = server(vec![page(&first), page(&entry("raw/a+b%0A.gz")), page(encoded), page("")]).await;
        let keys = |prefix: &'static str| {
            let listed = Arc::clone(&bucket).list(prefix).map_ok(|listed| listed.key);
            async { listed.try_collect::<Vec<_>>().await.unwrap() }
        };
        // The second page does not say that its keys are encoded.
        assert_eq!(keys("raw/x y/").await, ["raw//a\nb.gz", "raw/a b+c d.gz", "raw/a+b%0A.gz"]);
        assert!(keys("").await.is_empty() && keys("").await.is_empty());
        let heads = heads.lock().unwrap();
        let query = "/bucket?list-type=2&encoding-type=url&prefix=";
        assert!(heads[0].starts_with(&format!("GET {query}raw%2Fx%20y%2F HTTP/1.1")), "{}", heads[0]);
        let second = format!("GET {query}raw%2Fx%20y%2F&continuation-token=1%2F%2B%3D HTTP/1.1");
        assert!(heads[1].starts_with(&second), "{}", heads[1]);
    }

    #[tokio::test]
    async fn an_object_without_a_valid_time_fails_the_listing() {
        let (bucket, _) = server(vec![page(&entry("raw/a", 1).replace("-21T", "-99T"))]).await;
        let error = bucket.list("").try_collect::<Vec<_>>().await.unwrap_err();
        assert!(error.to_string().contains(r#""2026-11-99T10:00:00.000Z" for "raw/a""#), "{error}");
    }

    #[tokio::test]
    async fn a_fault_of_s3_is_retried_and_a_refusal_is_not() {
        let slow = || answer("503 Slow Down", "<Code>SlowDown</Code>");
        let (bucket, heads) = server(vec![slow(), slow(), answer("200 OK", "x")]).await;
        assert_eq!(read(&bucket, "raw//a").await.unwrap(), b"x");
        assert_eq!(heads.lock().unwrap().len(), 3);
        let (bucket, heads) = server(vec![answer("404 Not Found", "NoSuchKey"), answer("403 Forbidden", "")]).await;
        assert!(matches!(read(&bucket, "raw//a").await, Err(Error::NotFound { .. })));
        assert!(matches!(read(&bucket, "raw//a").await, Err(Error::PermissionDenied { .. })));
        assert_eq!(heads.lock().unwrap().len(), 2);
        let (bucket, heads) = server((0..=Profile::BATCH.retries).map(|_| slow()).collect()).await;
        assert!(read(&bucket, "raw//a").await.unwrap_err().to_string().contains("503"));
        assert_eq!(heads.lock().unwrap().len(), 1 + Profile::BATCH.retries);
    }

    #[tokio::test]
    async fn a_body_that_ends_early_is_an_error() {
        let (bucket, _) =
            server(vec![answer("200 OK", "whole").replace("content-length: 5", "content-length: 9")]).await;
        assert!(read(&bucket, "raw//a").await.is_err());
        let (bucket, _) = server(vec![answer("200 OK", "<ListBucketResult><Contents></ListBucketResult>")]).await;
        assert!(bucket.list("").try_collect::<Vec<_>>().await.is_err());
    }
}
