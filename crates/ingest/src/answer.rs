//! Answers to HTTP requests.

use http::StatusCode;

/// An answer to an HTTP request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The content type of the body.
    pub content_type: &'static str,
    /// Additional headers.
    pub headers: Vec<(&'static str, &'static str)>,
    /// The body.
    pub body: String,
}

/// An answer with a JSON body.
pub(crate) fn json(status: StatusCode, body: &serde_json::Value) -> Answer {
    Answer { status, content_type: "application/json", headers: Vec::new(), body: body.to_string() }
}

/// An error answer with a message.
pub(crate) fn error(status: StatusCode, message: &str) -> Answer {
    json(status, &serde_json::json!({"ok": false, "error": message}))
}
