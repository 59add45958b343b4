//! Finds the raw objects named by an event that was delivered by S3, SQS, SNS or EventBridge, also nested in each
//! other.
//!
//! Formats: docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html,
//! docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html and
//! docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html

use serde_json::Value;

use crate::notification::{self, NotificationError, RawObject};

/// Maximum nesting depth of envelopes. EventBridge to SNS to SQS has depth three.
const MAX_DEPTH: usize = 4;

/// Returns the raw objects that an event names. Removals, test messages and folder markers (keys that end with a
/// slash, which the S3 console creates) yield none.
///
/// # Errors
/// The event, or an event nested in it, has none of the known formats.
pub fn parse(event: &str) -> Result<Vec<RawObject>, NotificationError> {
    let mut objects = parse_nested(event, MAX_DEPTH)?;
    objects.retain(|object| !object.key.ends_with('/'));
    Ok(objects)
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
    match (text(event, "/detail/bucket/name"), text(event, "/detail/object/key")) {
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

    #[test]
    fn folder_markers_removals_and_test_messages_name_nothing() {
        let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "raw"});
        for event in [s3("raw/folder/"), bridge("Object Created", "raw/folder/"), bridge("Object Deleted", "a"), test] {
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
