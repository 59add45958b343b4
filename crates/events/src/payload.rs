//! What an account event keeps of its body: everything but secrets and the words of people.

use std::borrow::Cow;
use std::io;

use sha2::{Digest, Sha256};

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
    "sdp",
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
    "actiontype",
    "answer",
    "answerid",
    "campaignid",
    "channelphonenumber",
    "chatmessagetype",
    "chunkorder",
    "cleanedsenderpn",
    "code",
    "context",
    "contextinfo",
    "countrycode",
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
    "messagecontenttype",
    "messageechoes",
    "messageid",
    "messages",
    "messagestatus",
    "messagetimestamp",
    "messagingproduct",
    "metadata",
    "msgid",
    "originalmessageid",
    "participant",
    "phase",
    "phonenumber",
    "phonenumberid",
    "progress",
    "question",
    "receivedatutc",
    "recipient",
    "recipientid",
    "remotejid",
    "revoke",
    "sender",
    "senderpn",
    "standby",
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

/// Members under which a person stands, so that `name` is a person's name there.
const PERSONS: &[&str] = &["contact", "contacts", "customer", "person", "sender", "user"];

/// Members whose `id` is a phone number.
const NUMBERED_BY_PHONE: &[&str] = &["chat", "chats", "contacts", "recipient", "sender", "threads"];

/// Members under which an error stands.
const ERRORS: &[&str] = &["error", "errordata", "errors"];

/// The content as compact JSON with sorted members.
///
/// `name` is the member that the content stood under, in lower case, if that says what it is.
pub(crate) fn write(options: &Options, content: &Json<'_>, name: &str, keep: Keep) -> String {
    let mut json = Vec::new();
    // Writing to memory cannot fail.
    let _ = Redaction { options }.write(&mut json, content, name, keep);
    String::from_utf8(json).unwrap_or_default()
}

/// All of the content as compact JSON with sorted members.
pub(crate) fn write_whole(content: &Json<'_>) -> String {
    let mut json = Vec::new();
    let _ = write_canonical(&mut json, content);
    String::from_utf8(json).unwrap_or_default()
}

/// Hash of the whole content, whatever of it is kept; keyed where phone numbers are, so that it cannot be undone by trying.
pub(crate) fn digest(options: &Options, content: &Json<'_>) -> String {
    let mut hasher = Sha256::new();
    let _ = write_canonical(&mut Hashing(&mut hasher), content);
    let digest = hex(&hasher.finalize());
    match &options.pseudonym_key {
        Some(key) => key.pseudonym(&digest),
        None => digest,
    }
}

struct Hashing<'h>(&'h mut Sha256);

impl io::Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes that the text takes as a JSON string in a line, without the quotes.
pub(crate) fn line_bytes(text: &str) -> usize {
    text.bytes().map(|byte| if byte < 0x20 { 6 } else { 1 + usize::from(matches!(byte, b'"' | b'\\')) }).sum()
}

/// Writes an object with sorted members; of members of one name, the last.
fn write_object<'t, W: io::Write>(
    out: &mut W,
    members: impl Iterator<Item = (&'t str, &'t Json<'t>)>,
    mut write: impl FnMut(&mut W, &'t str, &'t Json<'t>) -> io::Result<()>,
) -> io::Result<()> {
    let mut sorted: Vec<_> = members.collect();
    sorted.sort_by_key(|(key, _)| *key);
    out.write_all(b"{")?;
    let mut separator: &[u8] = b"";
    for (index, (key, value)) in sorted.iter().enumerate() {
        if sorted.get(index + 1).is_some_and(|(next, _)| next == key) {
            continue;
        }
        out.write_all(separator)?;
        separator = b",";
        serde_json::to_writer(&mut *out, key)?;
        out.write_all(b":")?;
        write(out, key, value)?;
    }
    out.write_all(b"}")
}

fn write_array<'t, W: io::Write>(
    out: &mut W,
    items: &'t [Json<'t>],
    mut write: impl FnMut(&mut W, &'t Json<'t>) -> io::Result<()>,
) -> io::Result<()> {
    out.write_all(b"[")?;
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        write(out, item)?;
    }
    out.write_all(b"]")
}

fn pairs<'t>(node: &'t Json<'t>) -> impl Iterator<Item = (&'t str, &'t Json<'t>)> {
    node.members().iter().map(|(key, value)| (key.as_ref(), value))
}

fn write_canonical<W: io::Write>(out: &mut W, node: &Json<'_>) -> io::Result<()> {
    match node {
        Json::Null => out.write_all(b"null"),
        Json::Bool(value) => write!(out, "{value}"),
        Json::Number(value) => write!(out, "{value}"),
        Json::String(text) => Ok(serde_json::to_writer(out, text)?),
        Json::Array(items) => write_array(out, items, write_canonical),
        Json::Object(_) => write_object(out, pairs(node), |out, _, value| write_canonical(out, value)),
    }
}

/// Writes what may be kept.
struct Redaction<'o> {
    options: &'o Options,
}

impl Redaction<'_> {
    /// `name` is the normal form of the member that the node stands under.
    fn write<W: io::Write>(&self, out: &mut W, node: &Json<'_>, name: &str, keep: Keep) -> io::Result<()> {
        match node {
            Json::Array(items) => write_array(out, items, |out, item| self.write(out, item, name, keep)),
            Json::Object(_) => {
                let kept = pairs(node).filter(|(key, value)| self.kept(name, key, value, keep));
                write_object(out, kept, |out, key, value| self.write_member(out, key, value, name, keep))
            }
            Json::Number(number) if self.options.pseudonym_key.is_some() && is_phone_member(name) => {
                Ok(serde_json::to_writer(out, &person::pseudonym(self.options, number.to_string()))?)
            }
            // A text in the place of a message is what somebody wrote.
            Json::String(_) if keep == Keep::Skeleton && (name.is_empty() || is_message(name, "")) => {
                out.write_all(br#""(redacted)""#)
            }
            Json::String(text) => Ok(serde_json::to_writer(out, &redact_text(self.options, text, name))?),
            other => write_canonical(out, other),
        }
    }

    fn write_member<W: io::Write>(
        &self,
        out: &mut W,
        key: &str,
        value: &Json<'_>,
        parent: &str,
        keep: Keep,
    ) -> io::Result<()> {
        let name = normal(key);
        if is_session(&name, value) {
            return Ok(serde_json::to_writer(out, &hash(&[value.as_str().unwrap_or_default()]))?);
        }
        let keep = if is_message(&name, parent) { Keep::Skeleton } else { keep };
        let is_persons_id = name == "id" && NUMBERED_BY_PHONE.contains(&parent);
        self.write(out, value, if is_persons_id { "waid" } else { &name }, keep)
    }

    /// Whether a member of an object may be kept.
    fn kept(&self, parent: &str, key: &str, value: &Json<'_>, keep: Keep) -> bool {
        let name = normal(key);
        let name = name.as_str();
        if SECRETS.contains(&name) {
            return false;
        }
        if is_session(name, value) {
            return true;
        }
        let names_person = NAMES.contains(&name) || name == "name" && PERSONS.contains(&parent);
        if self.options.pseudonym_key.is_some() && names_person {
            return false;
        }
        if is_message(name, parent) {
            return !matches!(value, Json::String(_));
        }
        keep == Keep::Everything || ERRORS.contains(&parent) || SKELETON.contains(&name)
    }
}

/// Whether messages stand under a member. The `message` of an error is none.
fn is_message(name: &str, parent: &str) -> bool {
    MESSAGES.contains(&name) || name == "message" && !ERRORS.contains(&parent)
}

/// WASender's sessions are named by a credential.
fn is_session(name: &str, value: &Json<'_>) -> bool {
    name == "sessionid" || name == "session" && !value.is_object()
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
