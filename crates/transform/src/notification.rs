//! Parses S3 event notifications in SQS messages.
//!
//! `aws_lambda_events` has a type for them, but requires fields that S3 emulators leave out; this module needs only
//! four fields. Format: docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html

use serde::Deserialize;

/// A raw object named by a notification.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RawObject {
    /// Name of the bucket.
    pub bucket: String,
    /// The decoded object key.
    pub key: String,
}

/// Why an SQS message is not a valid S3 notification.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotificationError {
    /// The body is not an S3 event notification.
    #[error("the message is not an S3 event notification")]
    Malformed,
    /// The object key is not percent-encoded UTF-8.
    #[error("the object key is not percent-encoded UTF-8")]
    Key,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Body {
    Records {
        #[serde(rename = "Records")]
        records: Vec<Entry>,
    },
    /// The test message that S3 sends when notifications are configured.
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
    #[serde(default)]
    size: Option<u64>,
}

/// Whether an object is a folder marker: empty, with a slash at the end of its key. The S3 console creates them. An
/// object that is not empty may have such a key, too.
pub(crate) fn is_folder_marker(key: &str, size: Option<u64>) -> bool {
    key.ends_with('/') && size.unwrap_or_default() == 0
}

/// The objects that were created according to the body of an SQS message. S3's test message, removals and folder
/// markers yield none.
///
/// # Errors
/// The body is not an S3 event notification.
pub fn parse(body: &str) -> Result<Vec<RawObject>, NotificationError> {
    match serde_json::from_str(body).map_err(|_| NotificationError::Malformed)? {
        Body::Test { event } if event == "s3:TestEvent" => Ok(Vec::new()),
        Body::Test { .. } => Err(NotificationError::Malformed),
        Body::Records { records } => {
            let mut objects = Vec::new();
            for entry in records.into_iter().filter(|entry| !entry.event_name.starts_with("ObjectRemoved")) {
                let key = decode(&entry.s3.object.key)?;
                if !is_folder_marker(&key, entry.s3.object.size) {
                    objects.push(RawObject { bucket: entry.s3.bucket.name, key });
                }
            }
            Ok(objects)
        }
    }
}

/// Decodes a form-encoded key: a space is `+`, `=` is `%3D`.
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
    fn the_test_message_yields_no_object() {
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
    fn removals_yield_no_object() {
        assert_eq!(parse(&body("a").replace("ObjectCreated:Put", "ObjectRemoved:Delete")), Ok(Vec::new()));
    }
}
