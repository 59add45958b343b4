//! `GET /report` of `bluetick serve`: the newest page that `make report` wrote to the lake's directory `reports`.
//!
//! The page has no login, so it is served only to clients on the same machine. Three conditions must hold. The
//! connection comes from loopback. `Host` is a loopback name, because a site whose own name resolves to 127.0.0.1 (DNS
//! rebinding) must not read the report. No header shows that a proxy forwarded the request.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use http::{HeaderMap, Method, StatusCode, header};

/// The path of the report page.
pub(crate) const PATH: &str = "/report";
const NO_REPORT: &str =
    "There is no report yet. To write one, run: make report LAST=7d LAKE=<directory of this lake>\n";
const FORWARDED: [&str; 4] = ["forwarded", "via", "x-forwarded-for", "x-forwarded-host"];

/// The report directory of a lake at a `file://` URL; `None` for other lakes.
pub(crate) fn directory(lake: &str) -> Option<PathBuf> {
    let url = url::Url::parse(lake).ok().filter(|url| url.scheme() == "file")?;
    Some(url.to_file_path().ok()?.join("reports"))
}

/// Whether a request comes from this machine and not through a proxy.
pub(crate) fn is_local(peer: IpAddr, headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    peer.to_canonical().is_loopback()
        && is_loopback_name(host)
        && !FORWARDED.iter().any(|name| headers.contains_key(*name))
}

fn is_loopback_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        || host.parse::<SocketAddr>().is_ok_and(|address| address.ip().is_loopback())
}

/// Answers with the newest page in `reports`, or with an error: 404 if there is no page, 405 for methods other than
/// GET and HEAD, 500 if the page cannot be read.
pub(crate) async fn answer(method: &Method, reports: &Path) -> Result<http::Response<String>, http::Error> {
    let plain = |status| http::Response::builder().status(status).header(header::CONTENT_TYPE, "text/plain");
    if method != Method::GET && method != Method::HEAD {
        return plain(StatusCode::METHOD_NOT_ALLOWED).header(header::ALLOW, "GET, HEAD").body(String::new());
    }
    let page = match newest(reports).await {
        Ok(Some(path)) => tokio::fs::read_to_string(path).await,
        Ok(None) => return plain(StatusCode::NOT_FOUND).body(NO_REPORT.to_owned()),
        Err(error) => Err(error),
    };
    match page {
        Ok(page) => http::Response::builder()
            .header(header::CONTENT_TYPE, "text/html; charset=utf-8")
            .header(header::CACHE_CONTROL, "no-store")
            .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
            .header(header::X_FRAME_OPTIONS, "DENY")
            .body(page),
        Err(error) => {
            tracing::warn!(%error, "failed to read the newest report");
            plain(StatusCode::INTERNAL_SERVER_ERROR).body(String::new())
        }
    }
}

/// The `.html` file that was written last; `None` if there is none or the directory does not exist.
async fn newest(reports: &Path) -> std::io::Result<Option<PathBuf>> {
    let mut entries = match tokio::fs::read_dir(reports).await {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        entries => entries?,
    };
    let mut found: Option<(SystemTime, PathBuf)> = None;
    while let Some(entry) = entries.next_entry().await? {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "html") {
            continue;
        }
        let file = (entry.metadata().await?.modified()?, path);
        if found.as_ref().is_none_or(|best| *best < file) {
            found = Some(file);
        }
    }
    Ok(found.map(|(_, path)| path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_this_machine_is_local() {
        let own: IpAddr = "127.0.0.1".parse().unwrap();
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "[::1]:8080", "[::1]"] {
            assert!(is_local(own, &headers(&[("host", host)])), "{host}");
        }
        assert!(is_local("::ffff:127.0.0.1".parse().unwrap(), &headers(&[("host", "localhost")])));
        for host in
            ["", "example.com", "example.com:8080", "localhost.example.com", "127.0.0.1.example.com", "10.0.0.1"]
        {
            assert!(!is_local(own, &headers(&[("host", host)])), "{host}");
        }
        assert!(!is_local(own, &headers(&[("host", "localhost"), ("x-forwarded-for", "10.0.0.1")])));
        assert!(!is_local("10.0.0.1".parse().unwrap(), &headers(&[("host", "localhost")])));
    }

    #[test]
    fn only_a_local_lake_has_reports() {
        assert_eq!(directory("file:///lake"), Some(PathBuf::from("/lake/reports")));
        assert_eq!(directory("s3://bucket/lake"), None);
        assert_eq!(directory("lake"), None);
    }
}
