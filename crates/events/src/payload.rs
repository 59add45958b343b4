//! What an account event keeps of its body: everything but secrets and the words of people.

use std::borrow::Cow;

use hmac::digest::Digest as _;
use serde_json::{Map, Value};
use sha2::Sha256;

use crate::json::Json;
use crate::options::{Options, hash, hex};
use crate::person;

/// How much of a body may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// All but secrets; messages inside are kept as by [`Keep::Skeleton`].
    Everything,
    /// Ids, types, times and the like: for messages, whose texts are nobody's business here.
    Skeleton,
}

/// Members that hold a credential, in lower case and without `_` and `-`.
const SECRETS: &[&str] = &[
    "accesstoken",
    "apikey",
    "apisecret",
    "appsecret",
    "authorization",
    "clientsecret",
    "jwt",
    "password",
    "refreshtoken",
    "secret",
    "secretkey",
    "sessiontoken",
    "token",
    "verifytoken",
    "webhooksecret",
    "xapikey",
];

/// Members under which messages or people's words stand.
const MESSAGES: &[&str] =
    &["conversation", "history", "messageechoes", "messages", "messagebody", "quotedmessage", "threads"];

/// Members of a message that tell nothing of what a person wrote.
const SKELETON: &[&str] = &[
    "accountid",
    "campaignid",
    "chatmessagetype",
    "chunkorder",
    "code",
    "context",
    "contextinfo",
    "country_code",
    "customer",
    "data",
    "displayphonenumber",
    "error",
    "errors",
    "event",
    "field",
    "flowid",
    "from",
    "fromme",
    "fromuserid",
    "groupid",
    "history",
    "historycontext",
    "id",
    "interactive",
    "key",
    "message",
    "messageid",
    "messages",
    "messageechoes",
    "messagestatus",
    "messagetimestamp",
    "messagingproduct",
    "metadata",
    "msgid",
    "originalmessageid",
    "participant",
    "phase",
    "phonenumberid",
    "progress",
    "receivedatutc",
    "recipientid",
    "remotejid",
    "revoke",
    "stanzaid",
    "status",
    "threads",
    "timestamp",
    "to",
    "touserid",
    "type",
    "unsupported",
    "userid",
    "waid",
];

/// Members that hold a phone number.
const PHONES: &[&str] = &[
    "chatid",
    "customernumber",
    "from",
    "input",
    "jid",
    "participant",
    "participantrecipientid",
    "recipientid",
    "recipientparticipantid",
    "to",
    "userjid",
    "waid",
];

/// Members that hold a person's name or what else identifies one.
const NAMES: &[&str] = &[
    "address",
    "customername",
    "displaytext",
    "email",
    "emails",
    "firstname",
    "formattedname",
    "fullname",
    "guestname",
    "lastname",
    "notify",
    "profile",
    "pushname",
    "traits",
    "username",
    "verifiedbizname",
];

/// The content as compact JSON with sorted members.
pub(crate) fn write(options: &Options, content: &Json<'_>, keep: Keep) -> String {
    redact(options, content, "", keep).to_string()
}

/// Hash of the whole content, whatever of it is kept; keyed where phone numbers are, so that it cannot be undone by trying.
pub(crate) fn digest(options: &Options, content: &Json<'_>) -> String {
    let canonical = plain(content).to_string();
    match &options.pseudonym_key {
        Some(key) => key.pseudonym(&canonical),
        None => hex(&Sha256::digest(canonical.as_bytes())),
    }
}

/// Bytes that the text takes as a JSON string in a line, without the quotes.
pub(crate) fn line_bytes(text: &str) -> usize {
    text.bytes().map(|byte| if byte < 0x20 { 6 } else { 1 + usize::from(matches!(byte, b'"' | b'\\')) }).sum()
}

pub(crate) fn plain(node: &Json<'_>) -> Value {
    match node {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(value) => Value::Number(value.clone()),
        Json::String(text) => Value::String(text.clone().into_owned()),
        Json::Array(items) => Value::Array(items.iter().map(plain).collect()),
        Json::Object(members) => {
            Value::Object(members.iter().map(|(key, value)| (key.clone().into_owned(), plain(value))).collect())
        }
    }
}

fn redact(options: &Options, node: &Json<'_>, name: &str, keep: Keep) -> Value {
    match node {
        Json::Array(items) => Value::Array(items.iter().map(|item| redact(options, item, name, keep)).collect()),
        Json::Object(members) => {
            let kept = members.iter().filter_map(|(key, value)| {
                let value = member(options, name, key, value, keep)?;
                Some((key.clone().into_owned(), value))
            });
            Value::Object(kept.collect::<Map<_, _>>())
        }
        Json::Number(number) if options.pseudonym_key.is_some() && is_phone_member(name) => {
            Value::String(person::pseudonym(options, number.to_string()))
        }
        Json::String(text) => Value::String(redact_text(options, text, name)),
        other => plain(other),
    }
}

/// A member of an object as it may be kept; none if it may not.
fn member(options: &Options, parent: &str, key: &str, value: &Json<'_>, keep: Keep) -> Option<Value> {
    let name = normal(key);
    let name = name.as_str();
    if SECRETS.contains(&name) || name == "sdp" {
        return None;
    }
    if name == "sessionid" || name == "session" && !value.is_object() {
        return Some(Value::String(hash(&[value.as_str().unwrap_or_default()])));
    }
    if options.pseudonym_key.is_some() && (NAMES.contains(&name) || name == "name" && names_person(parent)) {
        return None;
    }
    let says_error = parent == "error" || parent == "errors" || parent == "errordata";
    let is_message = MESSAGES.contains(&name) || name == "message" && !says_error;
    if is_message && matches!(value, Json::String(_)) {
        return None;
    }
    let keep = if is_message { Keep::Skeleton } else { keep };
    if keep == Keep::Skeleton && !says_error && !is_message && !SKELETON.contains(&name) {
        return None;
    }
    Some(redact(options, value, name, keep))
}

fn redact_text(options: &Options, text: &str, name: &str) -> String {
    let text = without_jwt(text);
    let text = text.as_ref();
    if options.pseudonym_key.is_none() {
        return text.to_owned();
    }
    let (number, domain) = text.split_once('@').map_or((text, None), |(number, domain)| (number, Some(domain)));
    let is_jid = matches!(domain, Some("s.whatsapp.net" | "c.us" | "lid"));
    if !(is_phone_member(name) || is_jid || text.starts_with('+')) {
        return text.to_owned();
    }
    let number = if is_jid { number.split([':', '_']).next().unwrap_or(number) } else { number };
    match person::phone_digits(number) {
        Some(digits) => person::pseudonym(options, digits),
        None => text.to_owned(),
    }
}

/// Whether members of that name hold phone numbers; ids of business phone numbers are none.
fn is_phone_member(name: &str) -> bool {
    PHONES.contains(&name) || name.contains("phone") && !name.contains("id") || name.ends_with("pn")
}

fn names_person(parent: &str) -> bool {
    matches!(parent, "contact" | "contacts" | "customer" | "person" | "sender" | "user")
}

/// The text without JSON Web Tokens: three parts of base64url with dots between, the first of which begins as `{"` does.
pub(crate) fn without_jwt(text: &str) -> Cow<'_, str> {
    const MARK: &str = "eyJ";
    if !text.contains(MARK) {
        return Cow::Borrowed(text);
    }
    let is_token = |c: char| c.is_ascii_alphanumeric() || "-_.=".contains(c);
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, token)) = rest.find(MARK).and_then(|start| rest.split_at_checked(start)) {
        let (token, after) =
            token.split_at_checked(token.find(|c| !is_token(c)).unwrap_or(token.len())).unwrap_or((token, ""));
        kept.push_str(before);
        kept.push_str(if token.split('.').count() >= 3 { "(redacted)" } else { token });
        rest = after;
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}

/// The name of a member in lower case and without `_`, `-` and spaces.
fn normal(key: &str) -> String {
    key.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}
