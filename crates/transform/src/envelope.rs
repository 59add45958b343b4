//! Finds the raw objects named by an event that was delivered by S3, SQS, SNS or EventBridge, also nested in each
//! other.
//!
//! Formats: docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html,
//! docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html and
//! docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html

use serde_json::Value;

use crate::notification::{self, NotificationError, RawObject, is_folder_marker};

/// Maximum nesting depth of envelopes. EventBridge to SNS to SQS has depth three.
const MAX_DEPTH: usize = 4;

/// Returns the raw objects that an event names. Removals, test messages and folder markers (empty objects whose keys end
/// with a slash, which the S3 console creates) yield none.
///
/// # Errors
/// The event, or an event nested in it, has none of the known formats.
pub fn parse(event: &str) -> Result<Vec<RawObject>, NotificationError> {
    parse_nested(event, MAX_DEPTH)
}

fn parse_nested(event: &str, depth: usize) -> Result<Vec<RawObject>, NotificationError> {
    let depth = depth.checked_sub(1).ok_or(NotificationError::Malformed)?;
    let value: Value = serde_json::from_str(event).map_err(|_| NotificationError::Malformed)?;
    if value.get("detail-type").is_some() {
        return event_bridge(&value);
    }
    // An SNS message, in an HTTP request or in the body of an SQS message.
    if let (Some("Notification"), Some(message)) = (text(&value, "/Type"), text(&value, "/Message")) {
        return parse_nested(message, depth);
    }
    let records = value.get("Records").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    // Lambda events from SQS or SNS.
    let inner: Vec<&str> =
        records.iter().filter_map(|record| text(record, "/body").or_else(|| text(record, "/Sns/Message"))).collect();
    if inner.is_empty() {
        return notification::parse(event);
    }
    if inner.len() < records.len() {
        return Err(NotificationError::Malformed);
    }
    let mut objects = Vec::new();
    for event in inner {
        objects.extend(parse_nested(event, depth)?);
    }
    Ok(objects)
}

/// Parses an EventBridge event. Unlike in S3's own notifications, its key is not percent-encoded.
fn event_bridge(event: &Value) -> Result<Vec<RawObject>, NotificationError> {
    if text(event, "/source") != Some("aws.s3") {
        return Err(NotificationError::Malformed);
    }
    if text(event, "/detail-type") != Some("Object Created") {
        return Ok(Vec::new());
    }
    let size = event.pointer("/detail/object/size").and_then(Value::as_u64);
    match (text(event, "/detail/bucket/name"), text(event, "/detail/object/key")) {
        (Some(_), Some(key)) if is_folder_marker(key, size) => Ok(Vec::new()),
        (Some(bucket), Some(key)) => Ok(vec![RawObject { bucket: bucket.to_owned(), key: key.to_owned() }]),
        _ => Err(NotificationError::Malformed),
    }
}

fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn s3(key: &str) -> Value {
        json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "raw"}, "object": {"key": key, "size": 1}}}]})
    }

    fn bridge(kind: &str, key: &str) -> Value {
        json!({"version": "0", "source": "aws.s3", "detail-type": kind,
            "detail": {"version": "0", "bucket": {"name": "raw"}, "object": {"key": key, "size": 1}}})
    }

    /// The same event with another size of its object; without a size as S3 emulators send it.
    fn sized(mut event: Value, size: Option<u64>) -> Value {
        for pointer in ["/Records/0/s3/object", "/detail/object"] {
            if let Some(object) = event.pointer_mut(pointer).and_then(Value::as_object_mut) {
                object.remove("size");
                object.extend(size.map(|size| ("size".to_owned(), json!(size))));
            }
        }
        event
    }

    fn sns(inner: &Value) -> Value {
        json!({"Type": "Notification", "TopicArn": "arn:aws:sns:eu-central-1:1:raw", "Message": inner.to_string()})
    }

    fn sns_record(inner: &Value) -> Value {
        json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Type": "Notification", "Message": inner.to_string()}}]})
    }

    fn sqs(inner: &Value) -> Value {
        json!({"Records": [{"eventSource": "aws:sqs", "messageId": "m", "body": inner.to_string()}]})
    }

    fn keys(event: &Value) -> Result<Vec<String>, NotificationError> {
        Ok(parse(&event.to_string())?.into_iter().map(|object| object.key).collect())
    }

    #[test]
    fn every_way_from_s3_names_the_object() {
        let encoded = s3("raw/dt%3D2026-01-01/a+b%252F.gz");
        for event in [encoded.clone(), sns(&encoded), sns_record(&encoded), sqs(&encoded), sqs(&sns(&encoded))] {
            assert_eq!(keys(&event), Ok(vec!["raw/dt=2026-01-01/a b%2F.gz".to_owned()]), "{event}");
        }
        let plain = bridge("Object Created", "raw/dt=2026-01-01/a+b%2F.gz");
        for event in [plain.clone(), sqs(&plain), sns_record(&plain), sqs(&sns(&plain))] {
            assert_eq!(keys(&event), Ok(vec!["raw/dt=2026-01-01/a+b%2F.gz".to_owned()]), "{event}");
        }
    }

    /// Keys that have no path in `object_store`. S3 encodes the key in its own notifications, EventBridge does not.
    #[test]
    fn keys_of_every_kind_pass_every_way_unchanged() {
        for (key, encoded) in [
            ("raw//a.gz", "raw//a.gz"),
            ("/raw/a.gz", "/raw/a.gz"),
            ("raw/a/", "raw/a/"),
            ("raw/./../a.gz", "raw/./../a.gz"),
            ("raw/a\n\r\t\u{1}\u{7f}.gz", "raw/a%0A%0D%09%01%7F.gz"),
            ("raw/%2e%2e/a+b c.gz", "raw/%252e%252e/a%2Bb+c.gz"),
            ("raw/gr\u{fc}n\u{1f600}.gz", "raw/gr%C3%BCn%F0%9F%98%80.gz"),
        ] {
            for event in [s3(encoded), bridge("Object Created", key)] {
                for event in [event.clone(), sns(&event), sns_record(&event), sqs(&event), sqs(&sns(&event))] {
                    assert_eq!(keys(&event), Ok(vec![key.to_owned()]), "{event}");
                }
            }
        }
    }

    #[test]
    fn folder_markers_removals_and_test_messages_name_nothing() {
        let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "raw"});
        let markers = [s3("raw/folder/"), bridge("Object Created", "raw/folder/")];
        let markers = markers.iter().flat_map(|event| [Some(0), None].map(|size| sized(event.clone(), size)));
        for event in markers.chain([bridge("Object Deleted", "a"), test]) {
            assert_eq!(keys(&event), Ok(vec![]), "{event}");
            assert_eq!(keys(&sqs(&sns(&event))), Ok(vec![]), "{event}");
        }
    }

    #[test]
    fn other_events_are_refused() {
        let deep = sqs(&sns(&sns(&sns(&s3("a")))));
        let mixed = json!({"Records": [{"body": s3("a").to_string()}, {"s3": {}}]});
        let others = [json!({}), json!([]), json!({"source": "aws.ec2", "detail-type": "Object Created"}), deep, mixed];
        for event in others {
            assert_eq!(keys(&event), Err(NotificationError::Malformed), "{event}");
        }
    }
}
