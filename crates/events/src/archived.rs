//! Lines of the archive: bodies of authentic requests as they were received, so that a later version can flatten them
//! again.
//!
//! A line is a JSON object: the `route` and the time of receipt (`received_at`, in milliseconds since 1970, UTC), and
//! the body as `body`, or as `body_base64` if it is not UTF-8. No header is kept, because headers hold signatures and
//! tokens.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::route::Route;

/// A body with its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivedBody<'b> {
    /// The route that received the body.
    pub route: Route,
    /// Time of receipt in milliseconds since 1970, UTC.
    pub received_at: i64,
    /// The bytes of the body as received.
    pub body: Cow<'b, [u8]>,
}

/// Why a line of the archive cannot be used. The text contains nothing of the body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableLine {
    /// The line is not an object with route, time of receipt and body.
    #[error("the line is no archived body")]
    Malformed,
    /// The body was received on a route that this version does not have.
    #[error("this version has no route {0:?}")]
    UnknownRoute(String),
}

#[derive(Deserialize, Serialize)]
struct Line<'b> {
    #[serde(borrow)]
    route: Cow<'b, str>,
    received_at: i64,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    body: Option<Cow<'b, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    body_base64: Option<Cow<'b, str>>,
}

impl<'b> ArchivedBody<'b> {
    /// Appends the line and a newline.
    pub fn write_line(&self, out: &mut Vec<u8>) {
        let text = std::str::from_utf8(&self.body).ok();
        let line = Line {
            route: self.route.path().into(),
            received_at: self.received_at,
            body: text.map(Cow::Borrowed),
            body_base64: text.is_none().then(|| STANDARD.encode(&self.body).into()),
        };
        // Writing to memory cannot fail, and the keys are strings.
        let written = serde_json::to_writer(&mut *out, &line);
        debug_assert!(written.is_ok());
        out.push(b'\n');
    }

    /// Parses a line, with or without its newline. Unknown members are ignored.
    ///
    /// # Errors
    /// See [`UnusableLine`].
    pub fn parse(line: &'b [u8]) -> Result<Self, UnusableLine> {
        let line: Line<'b> = serde_json::from_slice(line).map_err(|_| UnusableLine::Malformed)?;
        let body = match (line.body, line.body_base64) {
            (Some(Cow::Borrowed(text)), None) => Cow::Borrowed(text.as_bytes()),
            (Some(Cow::Owned(text)), None) => Cow::Owned(text.into_bytes()),
            (None, Some(text)) => Cow::Owned(STANDARD.decode(text.as_bytes()).map_err(|_| UnusableLine::Malformed)?),
            _ => return Err(UnusableLine::Malformed),
        };
        let route = Route::find(&line.route).ok_or_else(|| UnusableLine::UnknownRoute(line.route.into_owned()))?;
        Ok(Self { route, received_at: line.received_at, body })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Provider;

    proptest! {
        #[test]
        fn every_body_comes_back_byte_for_byte(
            body in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..200),
                any::<String>().prop_map(String::into_bytes),
            ],
            received_at: i64,
            provider in prop::sample::select(Provider::ALL.to_vec()),
        ) {
            for route in Route::of(provider) {
                let archived = ArchivedBody { route, received_at, body: Cow::Borrowed(&body) };
                let mut line = Vec::new();
                archived.write_line(&mut line);
                // The line's end is the only newline, so that a reader finds the next line.
                prop_assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1));
                prop_assert_eq!(ArchivedBody::parse(&line), Ok(archived));
            }
        }

        #[test]
        fn rubbish_is_an_error_and_no_panic(line in prop::collection::vec(any::<u8>(), 0..100)) {
            prop_assert_eq!(ArchivedBody::parse(&line), Err(UnusableLine::Malformed));
        }
    }

    #[test]
    fn lines_that_cannot_be_used_say_why() {
        for line in [
            "{}",
            "[]",
            r#"{"route":"/webhooks/meta","received_at":1}"#,
            r#"{"route":"/webhooks/meta","received_at":"1","body":"{}"}"#,
            r#"{"route":"/webhooks/meta","body":"{}"}"#,
            r#"{"route":"/webhooks/meta","received_at":1,"body":"{}","body_base64":"e30="}"#,
            r#"{"route":"/webhooks/meta","received_at":1,"body_base64":"!"}"#,
        ] {
            assert_eq!(ArchivedBody::parse(line.as_bytes()), Err(UnusableLine::Malformed), "{line}");
        }
        let other = r#"{"route":"/webhooks/other","received_at":1,"body":"{}"}"#;
        let unknown = UnusableLine::UnknownRoute("/webhooks/other".to_owned());
        assert_eq!(ArchivedBody::parse(other.as_bytes()), Err(unknown));
        let newer = r#"{"route":"/webhooks/meta","received_at":1,"body":"{}","added_later":{"a":[1]}}"#;
        assert_eq!(ArchivedBody::parse(newer.as_bytes()).unwrap().body.as_ref(), b"{}");
    }
}
