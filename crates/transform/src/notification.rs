//! S3's notifications as they come through SQS: which objects are new.
//!
//! A struct of our own, because it needs four fields, and the emulators leave out others that `aws_lambda_events` demands.
//! Format: docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html

use serde::Deserialize;

/// A raw object that a notification names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RawObject {
    /// The bucket.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
}

/// A notification that cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotificationError {
    /// The body is not S3's JSON.
    #[error("the message is no notification of S3")]
    Malformed,
    /// The key is no percent-encoded UTF-8.
    #[error("the notification's key cannot be decoded")]
    Key,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Body {
    Records {
        #[serde(rename = "Records")]
        records: Vec<Entry>,
    },
    /// What S3 sends once, when notifications are configured.
    Test {
        #[serde(rename = "Event")]
        event: String,
    },
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "eventName", default)]
    event_name: String,
    s3: Location,
}

#[derive(Deserialize)]
struct Location {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
struct Object {
    key: String,
}

/// The objects that the body of an SQS message names; none for S3's test message and for removals.
///
/// # Errors
/// The body is no notification of S3.
pub fn parse(body: &str) -> Result<Vec<RawObject>, NotificationError> {
    match serde_json::from_str(body).map_err(|_| NotificationError::Malformed)? {
        Body::Test { event } if event == "s3:TestEvent" => Ok(Vec::new()),
        Body::Test { .. } => Err(NotificationError::Malformed),
        Body::Records { records } => records
            .into_iter()
            .filter(|entry| !entry.event_name.starts_with("ObjectRemoved"))
            .map(|entry| Ok(RawObject { bucket: entry.s3.bucket.name, key: decode(&entry.s3.object.key)? }))
            .collect(),
    }
}

/// Keys are form-encoded: a space comes as `+`, `=` as `%3D`.
fn decode(key: &str) -> Result<String, NotificationError> {
    let spaced = key.replace('+', " ");
    let decoded = percent_encoding::percent_decode_str(&spaced).decode_utf8().map_err(|_| NotificationError::Key)?;
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(key: &str) -> String {
        serde_json::json!({"Records": [
            {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "raw"}, "object": {"key": key, "size": 1}}},
        ]})
        .to_string()
    }

    #[test]
    fn keys_are_decoded_whether_form_or_url_encoded() {
        for (encoded, key) in [
            ("raw/dt%3D2026-01-01/a+b.gz", "raw/dt=2026-01-01/a b.gz"),
            ("raw%2Fdt%3D2026-01-01%2Fa%20b.gz", "raw/dt=2026-01-01/a b.gz"),
            ("raw/100%25%2B.gz", "raw/100%+.gz"),
        ] {
            let expected = RawObject { bucket: "raw".to_owned(), key: key.to_owned() };
            assert_eq!(parse(&body(encoded)), Ok(vec![expected]));
        }
        assert_eq!(parse(&body("%ff")), Err(NotificationError::Key));
    }

    #[test]
    fn the_test_message_names_nothing() {
        let message = r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"raw","RequestId":"x"}"#;
        assert_eq!(parse(message), Ok(Vec::new()));
    }

    #[test]
    fn other_messages_are_refused() {
        for message in ["", "{}", "[]", r#"{"Event":"other"}"#, r#"{"Records":[{"s3":{}}]}"#] {
            assert_eq!(parse(message), Err(NotificationError::Malformed), "{message}");
        }
    }

    #[test]
    fn removals_name_nothing() {
        assert_eq!(parse(&body("a").replace("ObjectCreated:Put", "ObjectRemoved:Delete")), Ok(Vec::new()));
    }
}
