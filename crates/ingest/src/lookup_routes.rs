//! The look-up routes: parses requests about messages and answers them from the look-up store.

use bluetick_events::{Options, Provider, pseudonymised};
use bluetick_lookups::requests::{self, BadRequest};
use bluetick_lookups::{Filter, Lookups, Position, StoreError};
use http::{Method, StatusCode};
use serde_json::Value;

use crate::answer::{Answer, error, json};

/// The provider whose credentials look-ups require: the application, with the token of the tracking API.
pub(crate) const ASKER: Provider = Provider::Tracker;

/// A question about messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// `POST /api/webhooks/message-status-lookup/`
    Statuses,
    /// `GET /api/webhooks/message-logs/`
    Logs,
    /// `GET /api/webhooks/message-logs/latest/`
    Latest,
}

/// The parsed parameters of a question.
enum Request {
    Statuses(Vec<String>),
    Logs(Filter, Option<Position>),
    Latest(Filter),
}

impl Question {
    /// Finds the question of a path, with or without a trailing slash. Also returns the route's method.
    pub(crate) fn find(path: &str) -> Option<(Self, Method)> {
        match path.strip_suffix('/').unwrap_or(path) {
            "/api/webhooks/message-status-lookup" => Some((Question::Statuses, Method::POST)),
            "/api/webhooks/message-logs" => Some((Question::Logs, Method::GET)),
            "/api/webhooks/message-logs/latest" => Some((Question::Latest, Method::GET)),
            _ => None,
        }
    }

    fn request(self, query: &str, body: &[u8], options: &Options) -> Result<Request, BadRequest> {
        Ok(match self {
            Question::Statuses => Request::Statuses(requests::wamids(body)?),
            Question::Logs => {
                let (filter, after) = requests::message_logs(query, options)?;
                Request::Logs(filter, after)
            }
            Question::Latest => Request::Latest(requests::latest(query, options)?),
        })
    }

    /// Answers an authenticated request.
    pub(crate) async fn answer(self, query: &str, body: &[u8], options: &Options, lookups: Option<&Lookups>) -> Answer {
        let request = match self.request(query, body, options) {
            Ok(request) => request,
            Err(fault) => return error(StatusCode::BAD_REQUEST, &fault.to_string()),
        };
        let Some(lookups) = lookups else {
            return error(StatusCode::NOT_FOUND, "look-ups are not switched on: LOOKUPS_URL is not set");
        };
        match ask(lookups, &request, options).await {
            Ok(body) => json(StatusCode::OK, &body),
            Err(fault) => {
                let cause = std::error::Error::source(&fault).map(ToString::to_string);
                tracing::warn!(error = %fault, cause, "a look-up was not answered");
                Answer {
                    headers: vec![("retry-after", "1")],
                    ..error(StatusCode::SERVICE_UNAVAILABLE, "the look-up store did not answer: ask again")
                }
            }
        }
    }
}

async fn ask(lookups: &Lookups, request: &Request, options: &Options) -> Result<Value, StoreError> {
    match request {
        Request::Statuses(wamids) => statuses(lookups, wamids, options).await,
        Request::Logs(filter, after) => lookups.logs(filter, after.as_ref()).await,
        Request::Latest(filter) => lookups.latest(filter).await,
    }
}

/// The statuses of messages, keyed by the requested ids. With a pseudonym key, stored ids differ from the requested
/// ones.
///
/// # Errors
/// The store failed.
pub async fn statuses(lookups: &Lookups, wamids: &[String], options: &Options) -> Result<Value, StoreError> {
    let stored: Vec<String> = wamids.iter().map(|wamid| pseudonymised(wamid, options).into_owned()).collect();
    let mut answer = lookups.statuses(&stored).await?;
    if let Some(found) = answer.get_mut("statuses").and_then(Value::as_object_mut).filter(|_| stored != wamids) {
        let asked = wamids.iter().zip(&stored);
        *found = asked.filter_map(|(wamid, stored)| Some((wamid.clone(), found.get(stored)?.clone()))).collect();
    }
    Ok(answer)
}
