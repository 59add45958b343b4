//! Parses the requests of the look-up routes. Invalid values are rejected with the name of the field.

use bluetick_events::{Options, pseudonymised, recipient_id};
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::answers::MAX_WAMIDS;
use crate::filter::{Filter, Position};
use crate::item::State;

/// A request that the caller must correct (status 400).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// The body is not a JSON object.
    #[error("the body must be a JSON object")]
    NotAnObject,
    /// A required field is missing.
    #[error("field {0} is required")]
    Missing(&'static str),
    /// A field has an invalid value.
    #[error("field {field} must be {expected}")]
    Invalid {
        /// Name of the field.
        field: &'static str,
        /// Description of valid values.
        expected: &'static str,
    },
}

/// Reads the message ids of `POST /api/webhooks/message-status-lookup/`.
///
/// # Errors
/// The body is not an object with a list of at most [`MAX_WAMIDS`] strings in `wamids`.
pub fn wamids(body: &[u8]) -> Result<Vec<String>, BadRequest> {
    let mut body: Map<String, Value> = serde_json::from_slice(body).map_err(|_| BadRequest::NotAnObject)?;
    let wamids = body.remove("wamids").ok_or(BadRequest::Missing("wamids"))?;
    let invalid = BadRequest::Invalid { field: "wamids", expected: "a list of at most 1,000 message ids" };
    match serde_json::from_value::<Vec<String>>(wamids) {
        Ok(wamids) if wamids.len() <= MAX_WAMIDS => Ok(wamids.into_iter().filter(|id| !id.is_empty()).collect()),
        _ => Err(invalid),
    }
}

/// Parses the query of `GET /api/webhooks/message-logs/`: the filter, and the position at which the page begins.
/// Empty values are ignored, as are unknown names.
///
/// # Errors
/// A value is invalid.
pub fn message_logs(query: &str, options: &Options) -> Result<(Filter, Option<Position>), BadRequest> {
    let (mut filter, mut after) = (Filter::default(), None);
    for (name, value) in form_urlencoded::parse(query.as_bytes()).filter(|(_, value)| !value.trim().is_empty()) {
        let text = || Some(pseudonymised(value.trim(), options).into_owned());
        match &*name {
            "registration_id" => filter.registration_id = text(),
            "event_id" => filter.event_id = text(),
            "guest_id" => filter.guest_id = text(),
            "template_name" => filter.template_name = text(),
            "recipient_id" => filter.recipient_id = Some(recipient(&value, options)?),
            "standalone" => filter.standalone = Some(truth(&value)?),
            "status" => filter.status = Some(state(&value)?),
            "cursor" => after = Some(cursor(&value)?),
            _ => {}
        }
    }
    Ok((filter, after))
}

/// Reads the query of `GET /api/webhooks/message-logs/latest/`.
///
/// # Errors
/// `registration_id` is missing, or a value is invalid.
pub fn latest(query: &str, options: &Options) -> Result<Filter, BadRequest> {
    let (filter, _) = message_logs(query, options)?;
    if filter.registration_id.is_none() {
        return Err(BadRequest::Missing("registration_id"));
    }
    Ok(filter)
}

fn recipient(value: &str, options: &Options) -> Result<String, BadRequest> {
    // An unescaped plus sign arrives as a space.
    let expected = "a phone number, its keyed hash or a business-scoped user id";
    recipient_id(value.trim(), options).ok_or(BadRequest::Invalid { field: "recipient_id", expected })
}

fn state(value: &str) -> Result<State, BadRequest> {
    let expected = "sent, delivered, read, failed or deleted";
    let found = State::ALL.into_iter().find(|state| state.name() == value.trim());
    found.ok_or(BadRequest::Invalid { field: "status", expected })
}

fn truth(value: &str) -> Result<bool, BadRequest> {
    match value.trim() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(BadRequest::Invalid { field: "standalone", expected: "true or false" }),
    }
}

fn cursor(value: &str) -> Result<Position, BadRequest> {
    let expected = "the next_cursor of an answer";
    Position::from_cursor(value.trim()).ok_or(BadRequest::Invalid { field: "cursor", expected })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bluetick_events::PseudonymKey;

    #[test]
    fn message_ids() {
        assert_eq!(wamids(br#"{"wamids":["a","","b"],"more":1}"#), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(wamids(b"{}"), Err(BadRequest::Missing("wamids")));
        assert_eq!(wamids(b"[1]"), Err(BadRequest::NotAnObject));
        let many = serde_json::json!({ "wamids": vec!["a"; MAX_WAMIDS + 1] }).to_string();
        for body in [br#"{"wamids":"a"}"#.as_slice(), br#"{"wamids":[1]}"#, many.as_bytes()] {
            assert!(matches!(wamids(body), Err(BadRequest::Invalid { field: "wamids", .. })));
        }
    }

    #[test]
    fn filters() {
        let options = Options::default();
        let query =
            "event_id=e+1&guest_id=&recipient_id=%2B91%2098765-43210&standalone=true&unknown=x&template_name=a%26b";
        let (filter, after) = message_logs(query, &options).unwrap();
        let expected = Filter {
            event_id: Some("e 1".to_owned()),
            recipient_id: Some("919876543210".to_owned()),
            template_name: Some("a&b".to_owned()),
            standalone: Some(true),
            ..Filter::default()
        };
        assert_eq!((filter, after), (expected, None));
        for (query, field) in [
            ("standalone=yes", "standalone"),
            ("recipient_id=a%20b", "recipient_id"),
            ("status=open", "status"),
            ("cursor=1", "cursor"),
        ] {
            let error = message_logs(query, &options).unwrap_err();
            assert!(matches!(error, BadRequest::Invalid { field: found, .. } if found == field), "{error}");
        }
        assert_eq!(latest("event_id=e", &options), Err(BadRequest::Missing("registration_id")));
    }

    #[test]
    fn ids_are_looked_for_as_records_hold_them() {
        let key = PseudonymKey::new(b"key").unwrap();
        let hash = key.pseudonym("919876543210");
        let options = Options { pseudonym_key: Some(key), ..Options::default() };
        let (filter, _) = message_logs("guest_id=g-919876543210&event_id=e-1", &options).unwrap();
        assert_eq!((filter.guest_id, filter.event_id), (Some(format!("g-{hash}")), Some("e-1".to_owned())));
    }

    #[test]
    fn a_phone_number_is_hashed_where_numbers_are() {
        let key = PseudonymKey::new(b"key").unwrap();
        let hash = key.pseudonym("919876543210");
        let options = Options { pseudonym_key: Some(key), ..Options::default() };
        for asked in ["919876543210", "%2B919876543210", "+919876543210", &hash, &hash.to_uppercase()] {
            let (filter, _) = message_logs(&format!("recipient_id={asked}"), &options).unwrap();
            assert_eq!(filter.recipient_id.as_deref(), Some(&*hash), "{asked}");
        }
    }
}
