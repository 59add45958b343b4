//! The router: which request is whose, whether it is authentic, and what it is answered. It knows HTTP, not Lambda: the same
//! code serves API Gateway and `bluetick serve`.

use bluetick_events::tracker::{self, Route as TrackerRoute};
use bluetick_events::{Provider, signature};
use http::{HeaderMap, Method, StatusCode};

use crate::deliver::{Delivered, Delivery};
use crate::firehose::FirehoseClient;
use crate::keyring::Keyring;

/// Largest body that is read: Meta's webhooks have up to 3 MB
/// (developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview).
pub const MAX_BODY_BYTES: usize = 3 * 1024 * 1024;

/// A request, whole.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Its method.
    pub method: &'a Method,
    /// The path without stage and query, percent-encoded as it came.
    pub path: &'a str,
    /// The query without its question mark.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The raw bytes that were signed.
    pub body: &'a [u8],
}

/// What a request is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The content type of the body.
    pub content_type: &'static str,
    /// Further headers.
    pub headers: Vec<(&'static str, &'static str)>,
    /// The body.
    pub body: String,
}

/// What happened, for the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The provider whose route was called.
    pub provider: Option<&'static str>,
    /// What became of the lines.
    pub delivered: Delivered,
    /// Whether the request was not authentic.
    pub signature_failure: bool,
    /// Whether the body was authentic but could not be read.
    pub unreadable: bool,
}

/// A route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    Health,
    Handshake,
    Webhook(Provider),
    Tracker(TrackerRoute),
}

/// The router with all that it needs.
pub struct Router<C> {
    keyring: Keyring,
    delivery: Delivery<C>,
    now: fn() -> i64,
}

fn json(status: StatusCode, body: &serde_json::Value) -> Answer {
    Answer { status, content_type: "application/json", headers: Vec::new(), body: body.to_string() }
}

fn error(status: StatusCode, message: &str) -> Answer {
    json(status, &serde_json::json!({"ok": false, "error": message}))
}

/// Finds the route, or the answer to a request that has none.
fn route(method: &Method, path: &str) -> Result<Route, Answer> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let (routes, allow): (&[(Method, Route)], &'static str) = match path {
        "/health" => (&[(Method::GET, Route::Health), (Method::HEAD, Route::Health)], "GET, HEAD"),
        "/webhooks/meta" => {
            (&[(Method::POST, Route::Webhook(Provider::Meta)), (Method::GET, Route::Handshake)], "GET, POST")
        }
        "/webhooks/woosh" => (&[(Method::POST, Route::Webhook(Provider::Woosh))], "POST"),
        "/webhooks/interakt" => (&[(Method::POST, Route::Webhook(Provider::Interakt))], "POST"),
        "/webhooks/wasender" => (&[(Method::POST, Route::Webhook(Provider::Wasender))], "POST"),
        "/api/webhooks/track-send" => (&[(Method::POST, Route::Tracker(TrackerRoute::TrackSend))], "POST"),
        "/api/webhooks/message-status" => (&[(Method::POST, Route::Tracker(TrackerRoute::MessageStatus))], "POST"),
        _ => return Err(error(StatusCode::NOT_FOUND, "no such route")),
    };
    routes.iter().find(|(allowed, _)| allowed == method).map(|(_, route)| *route).ok_or_else(|| Answer {
        headers: vec![("allow", allow)],
        ..error(StatusCode::METHOD_NOT_ALLOWED, "method not allowed")
    })
}

impl<C: FirehoseClient> Router<C> {
    /// A router; `now` gives milliseconds since 1970, UTC.
    pub fn new(keyring: Keyring, delivery: Delivery<C>, now: fn() -> i64) -> Self {
        Self { keyring, delivery, now }
    }

    /// Handles a request. The answer says 200 only when every record is safe.
    pub async fn handle(&self, request: Request<'_>) -> (Answer, Report) {
        let mut report = Report::default();
        let answer = match self.answer(request, &mut report).await {
            Ok(answer) | Err(answer) => answer,
        };
        tracing::debug!(
            status = answer.status.as_u16(),
            provider = report.provider,
            bytes = request.body.len(),
            accepted = report.delivered.accepted,
            "answered"
        );
        (answer, report)
    }

    async fn answer(&self, request: Request<'_>, report: &mut Report) -> Result<Answer, Answer> {
        let route = route(request.method, request.path)?;
        let provider = match route {
            Route::Health => return Ok(json(StatusCode::OK, &serde_json::json!({"ok": true}))),
            Route::Handshake => return self.handshake(request.query, report).await,
            Route::Webhook(provider) => provider,
            Route::Tracker(_) => Provider::Tracker,
        };
        report.provider = Some(provider.name());
        if request.body.len() > MAX_BODY_BYTES {
            return Err(too_large());
        }
        self.authenticate(provider, request, report).await?;
        let received_at = (self.now)();
        let options = &self.keyring.secrets().options;
        let (records, response) = match route {
            Route::Tracker(tracker_route) => {
                let handled = tracker::handle(tracker_route, request.body, received_at, options)
                    .map_err(|fault| error(StatusCode::BAD_REQUEST, &fault.to_string()))?;
                (handled.records, handled.response)
            }
            _ => {
                let records =
                    bluetick_events::flatten(provider, request.body, received_at, options).unwrap_or_else(|reason| {
                        report.unreadable = true;
                        tracing::warn!(provider = provider.name(), %reason, "an authentic body cannot be read: kept whole");
                        vec![bluetick_events::unreadable_record(provider, request.body, received_at, &reason)]
                    });
                (records, serde_json::json!({"ok": true}))
            }
        };
        let mut lines = Vec::with_capacity(records.len() * 512);
        for record in &records {
            record.write_line(&mut lines);
        }
        report.delivered = self.delivery.put(&lines).await;
        if report.delivered.is_complete() {
            Ok(json(StatusCode::OK, &response))
        } else {
            Err(Answer {
                headers: vec![("retry-after", "5")],
                ..error(StatusCode::SERVICE_UNAVAILABLE, "the records could not be stored: send them again")
            })
        }
    }

    async fn handshake(&self, query: &str, report: &mut Report) -> Result<Answer, Answer> {
        report.provider = Some(Provider::Meta.name());
        let challenge = match signature::handshake(query, &self.keyring.secrets().verify_tokens) {
            Err(_) if self.keyring.refresh().await => {
                signature::handshake(query, &self.keyring.secrets().verify_tokens)
            }
            first => first,
        };
        let challenge = challenge.map_err(|_| unauthorized(report))?;
        Ok(Answer { status: StatusCode::OK, content_type: "text/plain", headers: Vec::new(), body: challenge })
    }

    async fn authenticate(&self, provider: Provider, request: Request<'_>, report: &mut Report) -> Result<(), Answer> {
        if self.is_authentic(provider, request)
            || (self.keyring.refresh().await && self.is_authentic(provider, request))
        {
            return Ok(());
        }
        Err(unauthorized(report))
    }

    fn is_authentic(&self, provider: Provider, request: Request<'_>) -> bool {
        let header = |name: &str| request.headers.get(name).map(http::HeaderValue::as_bytes);
        let secrets = self.keyring.secrets();
        secrets.auth(provider).is_some_and(|auth| {
            signature::authenticate(provider, &header, request.body, auth)
                .inspect_err(|reason| tracing::debug!(provider = provider.name(), %reason, "not authentic"))
                .is_ok()
        })
    }
}

/// The answer to a body over [`MAX_BODY_BYTES`], also for those who notice before the body is whole.
pub fn too_large() -> Answer {
    error(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 3 MB")
}

fn unauthorized(report: &mut Report) -> Answer {
    report.signature_failure = true;
    error(StatusCode::UNAUTHORIZED, "not authentic")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_with_and_without_the_last_slash() {
        for path in ["/api/webhooks/track-send/", "/api/webhooks/track-send"] {
            assert_eq!(route(&Method::POST, path), Ok(Route::Tracker(TrackerRoute::TrackSend)));
        }
        assert_eq!(route(&Method::GET, "/webhooks/meta"), Ok(Route::Handshake));
        assert_eq!(route(&Method::POST, "/webhooks/other").unwrap_err().status, StatusCode::NOT_FOUND);
        let refused = route(&Method::PUT, "/webhooks/meta").unwrap_err();
        assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(refused.headers, [("allow", "GET, POST")]);
    }
}
