//! What an account event keeps of its body: everything but secrets and the words of people.

mod members;

use std::borrow::Cow;
use std::io;

use sha2::{Digest, Sha256};

use self::members::{is_kept, is_message, is_numbered_by_phone, is_phone_member, is_session, normal};
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

/// Writes the separator before all but the first element.
fn write_comma<W: io::Write>(out: &mut W, index: usize) -> io::Result<()> {
    if index > 0 { out.write_all(b",") } else { Ok(()) }
}

/// A member of an object: key, value, and what else is known of it.
type Member<'t, T> = (&'t str, &'t Json<'t>, T);

/// Writes an object with sorted members; of members with one name, the last.
fn write_object<'t, T, W: io::Write>(
    out: &mut W,
    mut members: Vec<Member<'t, T>>,
    mut write: impl FnMut(&mut W, &Member<'t, T>) -> io::Result<()>,
) -> io::Result<()> {
    members.reverse();
    members.sort_by_key(|(key, ..)| *key);
    members.dedup_by_key(|(key, ..)| *key);
    out.write_all(b"{")?;
    for (index, member) in members.iter().enumerate() {
        write_comma(out, index)?;
        serde_json::to_writer(&mut *out, member.0)?;
        out.write_all(b":")?;
        write(out, member)?;
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
        write_comma(out, index)?;
        write(out, item)?;
    }
    out.write_all(b"]")
}

fn write_canonical<W: io::Write>(out: &mut W, node: &Json<'_>) -> io::Result<()> {
    match node {
        Json::Null => out.write_all(b"null"),
        Json::Bool(value) => write!(out, "{value}"),
        Json::Number(value) => write!(out, "{value}"),
        Json::String(text) => Ok(serde_json::to_writer(out, text)?),
        Json::Array(items) => write_array(out, items, write_canonical),
        Json::Object(members) => {
            let members = members.iter().map(|(key, value)| (key.as_ref(), value, ())).collect();
            write_object(out, members, |out, (_, value, ())| write_canonical(out, value))
        }
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
            Json::Object(members) => {
                let named = members.iter().map(|(key, value)| (key.as_ref(), value, normal(key)));
                let kept = named.filter(|(_, value, member)| is_kept(name, member, value, keep, self.hashes()));
                write_object(out, kept.collect(), |out, (_, value, member)| {
                    self.write_member(out, value, member, name, keep)
                })
            }
            Json::Number(number) if self.hashes() && is_phone_member(name) => {
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
        value: &Json<'_>,
        name: &str,
        parent: &str,
        keep: Keep,
    ) -> io::Result<()> {
        if is_session(name, value) {
            return Ok(serde_json::to_writer(out, &hash(&[value.as_str().unwrap_or_default()]))?);
        }
        let keep = if is_message(name, parent) { Keep::Skeleton } else { keep };
        let is_phone = name == "id" && is_numbered_by_phone(parent);
        self.write(out, value, if is_phone { "phone" } else { name }, keep)
    }

    /// Whether phone numbers are hashed and names dropped.
    fn hashes(&self) -> bool {
        self.options.pseudonym_key.is_some()
    }
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
