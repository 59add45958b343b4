//! The router: finds the provider of a request, authenticates it, stores its records and answers. It depends on HTTP
//! but not on Lambda, so API Gateway and `bluetick serve` share it.

use bluetick_events::signature::{self, HeaderCheck};
use bluetick_events::{FlattenError, FlattenedLines, Lines, Provider, Route};
use bluetick_lookups::Lookups;
use bluetick_lookups::live::Fed;
use http::{HeaderMap, Method, StatusCode};

use crate::answer::{Answer, error, json};
use crate::archive::Archive;
use crate::deliver::{Delivered, Delivery};
use crate::firehose::FirehoseClient;
use crate::keyring::Keyring;
use crate::lookup_routes::{ASKER, Question};
use crate::raw_lines::raw_lines;

/// Maximum bytes of a body. Meta's webhooks have up to 3 MB
/// (developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview).
pub const MAX_BODY_BYTES: usize = 3 * 1024 * 1024;

/// A complete request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path without stage and query, percent-encoded as received.
    pub path: &'a str,
    /// The query without the question mark.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body as received; signatures cover these bytes.
    pub body: &'a [u8],
}

/// What happened to a request, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The name of the provider whose route was called.
    pub provider: Option<&'static str>,
    /// How many lines were stored, and where.
    pub delivered: Delivered,
    /// Whether the request was rejected because it is not authentic.
    pub signature_failure: bool,
    /// Whether the body was authentic but could not be parsed.
    pub unreadable: bool,
    /// Number of records whose event time is more than [`CLOCK_TOLERANCE_MS`](crate::raw_lines::CLOCK_TOLERANCE_MS) after their receipt, so that one of the
    /// two clocks must be wrong.
    pub doubtful_receipts: u64,
    /// Number of bodies that the archive should hold and does not. Their records are not affected.
    pub not_archived: u64,
    /// Messages that were updated in the look-up store before the answer.
    pub lookups_applied: u64,
    /// Messages whose update in the look-up store is left to the transform, because the store failed or was too slow.
    pub lookups_missed: u64,
}

/// The action that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Health,
    Handshake(Provider),
    Post(Route),
    Ask(Question),
}

/// The router, with its secrets, its delivery and its clock.
pub struct Router<C> {
    keyring: Keyring,
    delivery: Delivery<C>,
    archive: Option<Archive<C>>,
    lookups: Option<Lookups>,
    now: fn() -> i64,
}

/// Finds the action of a request.
///
/// # Errors
/// The answer if the path or method is unknown.
fn action(method: &Method, path: &str) -> Result<Action, Answer> {
    if let Some((question, allowed)) = Question::find(path) {
        let allow = if allowed == Method::GET { "GET" } else { "POST" };
        let refusal = || Answer {
            headers: vec![("allow", allow)],
            ..error(StatusCode::METHOD_NOT_ALLOWED, "method not allowed")
        };
        return if *method == allowed { Ok(Action::Ask(question)) } else { Err(refusal()) };
    }
    let (actions, allow): (Vec<(Method, Action)>, &'static str) = match Route::find(path) {
        Some(route) if route.provider().auth_scheme().handshake_setting.is_some() => {
            let handshake = Action::Handshake(route.provider());
            (vec![(Method::POST, Action::Post(route)), (Method::GET, handshake)], "GET, POST")
        }
        Some(route) => (vec![(Method::POST, Action::Post(route))], "POST"),
        None if path.strip_suffix('/').unwrap_or(path) == "/health" => {
            (vec![(Method::GET, Action::Health), (Method::HEAD, Action::Health)], "GET, HEAD")
        }
        None => return Err(error(StatusCode::NOT_FOUND, "no such route")),
    };
    actions.into_iter().find(|(allowed, _)| allowed == method).map(|(_, action)| action).ok_or_else(|| Answer {
        headers: vec![("allow", allow)],
        ..error(StatusCode::METHOD_NOT_ALLOWED, "method not allowed")
    })
}

impl<C: FirehoseClient> Router<C> {
    /// Creates a router. `now` returns the current time in milliseconds since 1970, UTC.
    pub fn new(keyring: Keyring, delivery: Delivery<C>, now: fn() -> i64) -> Self {
        Self { keyring, delivery, archive: None, lookups: None, now }
    }

    /// The same router with an archive, which keeps the bodies of authentic requests.
    #[must_use]
    pub fn with_archive(self, archive: Option<Archive<C>>) -> Self {
        Self { archive, ..self }
    }

    /// The same router with look-ups: webhooks update the look-up store.
    #[must_use]
    pub fn with_lookups(self, lookups: Option<Lookups>) -> Self {
        Self { lookups, ..self }
    }

    /// The current time of the router's clock, in milliseconds since 1970, UTC.
    pub fn now(&self) -> i64 {
        (self.now)()
    }

    /// Handles a request. The status is 200 only if every record is stored.
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

    /// Checks what can be checked before the body is read: path, method, and credentials in headers.
    ///
    /// # Errors
    /// The answer, if the body need not be read.
    pub async fn check_head(&self, method: &Method, path: &str, headers: &HeaderMap) -> Result<HeaderCheck, Answer> {
        let provider = match action(method, path)? {
            Action::Post(route) => route.provider(),
            Action::Ask(_) => ASKER,
            Action::Health | Action::Handshake(_) => return Ok(HeaderCheck::Authentic),
        };
        self.keyring.refresh_if_old().await;
        let check = || self.check_headers(provider, headers);
        match check() {
            Some(check) => Ok(check),
            None if self.keyring.refresh().await => check().ok_or_else(not_authentic),
            None => Err(not_authentic()),
        }
    }

    async fn answer(&self, request: Request<'_>, report: &mut Report) -> Result<Answer, Answer> {
        let action = action(request.method, request.path)?;
        if action != Action::Health {
            self.keyring.refresh_if_old().await;
        }
        let route = match action {
            Action::Health => return Ok(json(StatusCode::OK, &serde_json::json!({"ok": true}))),
            Action::Handshake(provider) => return self.handshake(provider, request.query, report).await,
            Action::Ask(question) => return self.ask(question, request, report).await,
            Action::Post(route) => route,
        };
        let provider = route.provider();
        report.provider = Some(provider.name());
        if request.body.len() > MAX_BODY_BYTES {
            return Err(too_large());
        }
        self.authenticate(provider, request, report).await?;
        let received_at = self.now();
        let FlattenedLines { lines, mut response } = self.flatten(route, request.body, received_at, report)?;
        let lines = marked(lines, received_at, report);
        let keep = self.keep(route, request.body, received_at);
        (report.delivered, report.not_archived) = tokio::join!(self.delivery.put(&lines, received_at), keep);
        if report.delivered.is_complete() {
            let fed = self.feed(&lines, report).await;
            if route.path() == STATUS_PATH {
                answer_present_status(&mut response, &fed);
            }
            Ok(json(StatusCode::OK, &response))
        } else {
            Err(Answer {
                headers: vec![("retry-after", "5")],
                ..error(StatusCode::SERVICE_UNAVAILABLE, "the records could not be stored: send them again")
            })
        }
    }

    /// Keeps a body in the archive, if there is one. Returns the number of bodies that it did not store.
    async fn keep(&self, route: Route, body: &[u8], received_at: i64) -> u64 {
        let Some(archive) = &self.archive else { return 0 };
        let secrets = self.keyring.secrets();
        u64::from(!archive.keep(route, body, received_at, &secrets.options).await)
    }

    /// Answers a look-up request.
    async fn ask(&self, question: Question, request: Request<'_>, report: &mut Report) -> Result<Answer, Answer> {
        report.provider = Some(ASKER.name());
        if request.body.len() > MAX_BODY_BYTES {
            return Err(too_large());
        }
        self.authenticate(ASKER, request, report).await?;
        let secrets = self.keyring.secrets();
        Ok(question.answer(request.query, request.body, &secrets.options, self.lookups.as_ref()).await)
    }

    /// Applies stored records to the look-up store. A failure does not matter for the records, which are already
    /// stored.
    async fn feed(&self, lines: &[u8], report: &mut Report) -> Fed {
        let Some(lookups) = &self.lookups else { return Fed::default() };
        let fed = lookups.feed(lines).await;
        (report.lookups_applied, report.lookups_missed) = (fed.applied, fed.missed);
        fed
    }

    /// Flattens a body. A webhook that cannot be parsed is stored whole. An invalid request of the application
    /// (`track-send`, `message-status`) is rejected with an error message.
    fn flatten(
        &self,
        route: Route,
        body: &[u8],
        received_at: i64,
        report: &mut Report,
    ) -> Result<FlattenedLines, Answer> {
        let provider = route.provider();
        let secrets = self.keyring.secrets();
        match bluetick_events::flatten_lines(route, body, received_at, &secrets.options) {
            Ok(flattened) => Ok(flattened),
            Err(FlattenError::Request(fault)) => Err(error(StatusCode::BAD_REQUEST, &fault.to_string())),
            Err(FlattenError::Unreadable(reason)) => {
                report.unreadable = true;
                tracing::warn!(provider = provider.name(), %reason, "an authentic body cannot be parsed: kept whole");
                let record = bluetick_events::unreadable_record(provider, body, received_at, &secrets.options, &reason);
                Ok(FlattenedLines { lines: [&record].into_iter().collect(), response: serde_json::json!({"ok": true}) })
            }
        }
    }

    async fn handshake(&self, provider: Provider, query: &str, report: &mut Report) -> Result<Answer, Answer> {
        report.provider = Some(provider.name());
        let handshake = || {
            let secrets = self.keyring.secrets();
            signature::handshake(query, secrets.auth(provider).map_or(&[], |auth| &auth.verify_tokens))
        };
        let challenge = match handshake() {
            Err(_) if self.keyring.refresh().await => handshake(),
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
            signature::authenticate(provider.auth_scheme(), &header, request.body, auth)
                .inspect_err(|reason| tracing::debug!(provider = provider.name(), %reason, "not authentic"))
                .is_ok()
        })
    }

    /// Checks the headers of a webhook. `None` if they show that it is not authentic.
    fn check_headers(&self, provider: Provider, headers: &HeaderMap) -> Option<HeaderCheck> {
        let header = |name: &str| headers.get(name).map(http::HeaderValue::as_bytes);
        let secrets = self.keyring.secrets();
        signature::check_headers(provider.auth_scheme(), &header, secrets.auth(provider)?)
            .inspect_err(|reason| tracing::debug!(provider = provider.name(), %reason, "not authentic"))
            .ok()
    }
}

/// Returns the lines as text. Counts doubtful times of receipt in `report`, and logs a warning if there are any.
fn marked(lines: Lines, received_at: i64, report: &mut Report) -> Vec<u8> {
    let lines = raw_lines(lines, received_at);
    report.doubtful_receipts = lines.doubtful_receipts;
    if lines.doubtful_receipts > 0 {
        tracing::warn!(
            records = lines.doubtful_receipts,
            ahead_ms = lines.furthest_ahead_ms,
            "events are later than this machine's clock: check the clock"
        );
    }
    lines.text
}

/// The route whose answer contains the current status of a message.
const STATUS_PATH: &str = "/api/webhooks/message-status";

/// Replaces the posted status in the response with the message's status after the update. If the look-up store did
/// not return one, the posted status is kept.
fn answer_present_status(response: &mut serde_json::Value, fed: &Fed) {
    if let ([(_, item)], Some(status)) = (fed.entries.as_slice(), response.get_mut("status")) {
        *status = item.state().name().into();
    }
}

/// The answer to a body larger than [`MAX_BODY_BYTES`].
pub fn too_large() -> Answer {
    error(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 3 MB")
}

fn not_authentic() -> Answer {
    error(StatusCode::UNAUTHORIZED, "not authentic")
}

fn unauthorized(report: &mut Report) -> Answer {
    report.signature_failure = true;
    not_authentic()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_path_with_another_method_says_which_are_allowed() {
        let meta = Route::find("/webhooks/meta").unwrap();
        assert_eq!(action(&Method::POST, "/webhooks/meta/"), Ok(Action::Post(meta)));
        assert_eq!(action(&Method::GET, "/webhooks/meta"), Ok(Action::Handshake(Provider::Meta)));
        assert_eq!(action(&Method::POST, "/webhooks/other").unwrap_err().status, StatusCode::NOT_FOUND);
        let refused = action(&Method::PUT, "/webhooks/meta").unwrap_err();
        assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(refused.headers, [("allow", "GET, POST")]);
        assert_eq!(action(&Method::GET, "/webhooks/woosh").unwrap_err().headers, [("allow", "POST")]);
        assert_eq!(action(&Method::GET, "/api/webhooks/message-logs"), Ok(Action::Ask(Question::Logs)));
        assert_eq!(action(&Method::GET, "/api/webhooks/message-logs/latest/"), Ok(Action::Ask(Question::Latest)));
        let refused = action(&Method::GET, "/api/webhooks/message-status-lookup/").unwrap_err();
        assert_eq!((refused.status, refused.headers), (StatusCode::METHOD_NOT_ALLOWED, vec![("allow", "POST")]));
    }
}
