//! Whether a webhook comes from who it says: signatures, tokens, and Meta's handshake.
//!
//! A signature is computed over the bytes of the body as they came. Meta escapes characters (`\u00e4`, `\/`) in ways that no other
//! writer of JSON repeats, so that a body read and written again no longer fits its signature.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use crate::options::Provider;

/// A secret shared with a provider. Its value appears in no output, `Debug` included.
#[derive(Clone)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// The secret without the byte order mark, spaces and line ends that files and consoles put around it; none if nothing else
    /// is left, because an empty secret is no secret.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        (!text.is_empty()).then(|| Secret(text.as_bytes().into()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// What a provider's webhooks are checked against. Any of several secrets will do, so that they can be changed one after the other.
#[derive(Clone, Debug, Default)]
pub struct ProviderAuth {
    /// Keys of HMAC-SHA256 signatures (Meta, Interakt, Woosh).
    pub hmac_secrets: Vec<Secret>,
    /// Tokens that stand in a header as they are (Woosh, WASender, tracker).
    pub tokens: Vec<Secret>,
    /// Whether Woosh may post without any credential. A wrong credential is refused all the same.
    pub allow_unsigned: bool,
}

/// Why a webhook is refused: status 401. The text holds no credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// The operator configured no secret for this provider, so that nobody can be it.
    #[error("no secret is configured for this provider")]
    NotConfigured,
    /// The header that should carry the credential is missing.
    #[error("header {0} is missing")]
    Missing(&'static str),
    /// The credential is none that was configured, or no signature at all.
    #[error("the credential in {0} is wrong")]
    Wrong(&'static str),
    /// The query of a handshake lacks a parameter.
    #[error("parameter {0} is missing")]
    MissingParameter(&'static str),
}

const HUB_SIGNATURE: &str = "X-Hub-Signature-256";
const WOOSH_SIGNATURE: &str = "X-Woosh-Signature";
const INTERAKT_SIGNATURE: &str = "Interakt-Signature";
const WASENDER_SIGNATURE: &str = "X-Webhook-Signature";
const TRACKER_TOKEN: &str = "X-Webhook-Token";

/// Checks that a webhook comes from its provider.
///
/// `header` looks a header up by name, in any case. Comparisons take the same time wherever the difference lies.
///
/// # Errors
/// Why it must be refused.
pub fn authenticate<'h>(
    provider: Provider,
    header: &dyn Fn(&str) -> Option<&'h [u8]>,
    body: &[u8],
    auth: &ProviderAuth,
) -> Result<(), AuthError> {
    match provider {
        Provider::Meta => signed(&[HUB_SIGNATURE], header, body, &auth.hmac_secrets),
        Provider::Interakt => signed(&[INTERAKT_SIGNATURE], header, body, &auth.hmac_secrets),
        Provider::Wasender => bears(WASENDER_SIGNATURE, header, &auth.tokens),
        Provider::Tracker => bears(TRACKER_TOKEN, header, &auth.tokens),
        Provider::Woosh => woosh(header, body, auth),
    }
}

/// Woosh signs if signing is enabled, bears a token if one is configured, and else says nothing; its first specification used Meta's
/// header.
fn woosh<'h>(header: &dyn Fn(&str) -> Option<&'h [u8]>, body: &[u8], auth: &ProviderAuth) -> Result<(), AuthError> {
    if auth.hmac_secrets.is_empty() && auth.tokens.is_empty() && !auth.allow_unsigned {
        return Err(AuthError::NotConfigured);
    }
    let signatures = [WOOSH_SIGNATURE, HUB_SIGNATURE];
    if !auth.hmac_secrets.is_empty() && signatures.iter().any(|name| header(name).is_some()) {
        return signed(&signatures, header, body, &auth.hmac_secrets);
    }
    let tokens = ["Authorization", "X-Api-Key", "x-tenant-key"];
    if let Some(name) = tokens.into_iter().find(|name| header(name).is_some()).filter(|_| !auth.tokens.is_empty()) {
        return bears(name, header, &auth.tokens);
    }
    if let Some(name) = signatures.into_iter().chain(tokens).find(|name| header(name).is_some()) {
        return Err(AuthError::Wrong(name));
    }
    if auth.allow_unsigned { Ok(()) } else { Err(AuthError::Missing(WOOSH_SIGNATURE)) }
}

/// Checks the first signature that is there.
fn signed<'h>(
    names: &[&'static str],
    header: &dyn Fn(&str) -> Option<&'h [u8]>,
    body: &[u8],
    secrets: &[Secret],
) -> Result<(), AuthError> {
    if secrets.is_empty() {
        return Err(AuthError::NotConfigured);
    }
    let found = names.iter().find_map(|name| Some((*name, header(name)?)));
    let (name, value) = found.ok_or(AuthError::Missing(names.first().copied().unwrap_or_default()))?;
    let signature = parse_signature(value).ok_or(AuthError::Wrong(name))?;
    let mut matches = Choice::from(0);
    for secret in secrets {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&secret.0) else { continue };
        mac.update(body);
        matches |= mac.finalize().into_bytes().as_slice().ct_eq(&signature);
    }
    if matches.into() { Ok(()) } else { Err(AuthError::Wrong(name)) }
}

/// `sha256=` in any case and 64 hexadecimal digits in any case.
fn parse_signature(value: &[u8]) -> Option<[u8; 32]> {
    let value = value.trim_ascii();
    let (prefix, digits) = value.split_at_checked(7)?;
    if !prefix.eq_ignore_ascii_case(b"sha256=") || digits.len() != 64 {
        return None;
    }
    let mut signature = [0; 32];
    for (byte, pair) in signature.iter_mut().zip(digits.chunks(2)) {
        let mut pair = pair.iter().map(|digit| char::from(*digit).to_digit(16));
        let (high, low) = (pair.next()??, pair.next()??);
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(signature)
}

/// Checks a token that stands in a header, with or without `Bearer` before it.
fn bears<'h>(
    name: &'static str,
    header: &dyn Fn(&str) -> Option<&'h [u8]>,
    tokens: &[Secret],
) -> Result<(), AuthError> {
    if tokens.is_empty() {
        return Err(AuthError::NotConfigured);
    }
    let value = header(name).ok_or(AuthError::Missing(name))?.trim_ascii();
    let bearer = value.split_at_checked(7).filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer "));
    let value = match bearer {
        Some((_, token)) if name == "Authorization" => token.trim_ascii(),
        _ => value,
    };
    if is_one_of(value, tokens) { Ok(()) } else { Err(AuthError::Wrong(name)) }
}

fn is_one_of(value: &[u8], secrets: &[Secret]) -> bool {
    secrets.iter().fold(Choice::from(0), |matches, secret| matches | value.ct_eq(&secret.0)).into()
}

/// Answers Meta's GET handshake: gives the challenge if the verify token is one of ours.
///
/// `query_string` is the raw query, percent-encoded. Its keys contain dots: `hub.mode`, `hub.challenge`, `hub.verify_token`.
///
/// # Errors
/// Why it must be refused: status 401.
pub fn handshake(query_string: &str, verify_tokens: &[Secret]) -> Result<String, AuthError> {
    if verify_tokens.is_empty() {
        return Err(AuthError::NotConfigured);
    }
    let parameter = |name: &'static str| {
        let pairs = query_string.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let found = pairs.into_iter().find(|(key, _)| decode(key) == name.as_bytes());
        found.map(|(_, value)| decode(value)).ok_or(AuthError::MissingParameter(name))
    };
    let token = parameter("hub.verify_token")?;
    let challenge = parameter("hub.challenge")?;
    let mode = parameter("hub.mode")?;
    if mode != b"subscribe" {
        return Err(AuthError::Wrong("hub.mode"));
    }
    if !is_one_of(&token, verify_tokens) {
        return Err(AuthError::Wrong("hub.verify_token"));
    }
    String::from_utf8(challenge).map_err(|_| AuthError::Wrong("hub.challenge"))
}

/// Decodes a part of a query: `+` is a space, `%2B` a plus.
fn decode(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escape = after.split_at_checked(2).filter(|_| byte == b'%').and_then(|(digits, after)| {
            let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
            Some((u8::from_str_radix(digits, 16).ok()?, after))
        });
        let (byte, after) = escape.unwrap_or((if byte == b'+' { b' ' } else { byte }, after));
        decoded.push(byte);
        rest = after;
    }
    decoded
}
