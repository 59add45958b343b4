//! The payload of account events: JSON without secrets and without texts that people wrote.

mod members;

use std::io;

use sha2::{Digest, Sha256};

pub(crate) use self::members::Keep;
use self::members::{is_kept, is_message, is_numbered_by_phone, is_phone_member, is_session, normal};
use crate::digest::{hash, hex};
use crate::json::Json;
use crate::options::Options;
use crate::person;
use crate::pseudonymised::json_without_numbers;
use crate::redact::without_jwt;

/// Writes the parts of the content that may be kept, as compact JSON with sorted members.
///
/// `name` is the lower-case name of the member that holds the content, or empty.
pub(crate) fn write(options: &Options, content: &Json<'_>, name: &str, keep: Keep) -> String {
    let mut json = Vec::new();
    // Writing to memory cannot fail.
    let _ = Redaction { options }.write(&mut json, content, name, keep);
    let json = String::from_utf8(json).unwrap_or_default();
    match &options.pseudonym_key {
        Some(key) => json_without_numbers(&json, key),
        None => json,
    }
}

/// Writes the whole content as compact JSON with sorted members.
pub(crate) fn write_whole(content: &Json<'_>) -> String {
    let mut json = Vec::new();
    let _ = write_canonical(&mut json, content);
    String::from_utf8(json).unwrap_or_default()
}

/// Hashes the whole content, including parts that are not kept. With a pseudonym key the hash is keyed, so that the
/// content cannot be found by trying candidates.
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

/// An upper bound of the length in bytes of a text as a JSON string, without the quotes. Each control character counts
/// as six bytes, although `\n` and a few others need only two.
pub(crate) fn line_bytes(text: &str) -> usize {
    text.bytes().map(|byte| if byte < 0x20 { 6 } else { 1 + usize::from(matches!(byte, b'"' | b'\\')) }).sum()
}

/// Writes the separator before all but the first element.
fn write_comma<W: io::Write>(out: &mut W, index: usize) -> io::Result<()> {
    if index > 0 { out.write_all(b",") } else { Ok(()) }
}

/// A member of an object: key, value, and data for the writing function.
type Member<'t, T> = (&'t str, &'t Json<'t>, T);

/// Writes an object with sorted members. If a name occurs more than once, the last member is written.
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
            let members = members.iter().map(|(key, value)| (*key, value, ())).collect();
            write_object(out, members, |out, (_, value, ())| write_canonical(out, value))
        }
    }
}

/// Writes the parts of a content that may be kept.
struct Redaction<'o> {
    options: &'o Options,
}

impl Redaction<'_> {
    /// Writes a node. `name` is the normalised name of the member that holds it.
    fn write<W: io::Write>(&self, out: &mut W, node: &Json<'_>, name: &str, keep: Keep) -> io::Result<()> {
        match node {
            Json::Array(items) => write_array(out, items, |out, item| self.write(out, item, name, keep)),
            Json::Object(members) => {
                let named = members.iter().map(|(key, value)| (*key, value, normal(key)));
                let kept = named.filter(|(_, value, member)| is_kept(name, member, value, keep, self.hashes()));
                write_object(out, kept.collect(), |out, (_, value, member)| {
                    self.write_member(out, value, member, name, keep)
                })
            }
            Json::Number(number) if self.hashes() && is_phone_member(name) => {
                Ok(serde_json::to_writer(out, &person::pseudonym(self.options, number.to_string().into()))?)
            }
            // A string in place of a message object is text that a person wrote.
            Json::String(_) if keep == Keep::Metadata && (name.is_empty() || is_message(name, "")) => {
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
        let keep = if is_message(name, parent) { Keep::Metadata } else { keep };
        let is_phone = name == "id" && is_numbered_by_phone(parent);
        self.write(out, value, if is_phone { "phone" } else { name }, keep)
    }

    /// Whether phone numbers are hashed and names are dropped.
    fn hashes(&self) -> bool {
        self.options.pseudonym_key.is_some()
    }
}

/// The text without JSON Web Tokens; with a pseudonym key, phone numbers are hashed.
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
        Some(digits) => person::pseudonym(options, digits).into_owned(),
        None => text.to_owned(),
    }
}
