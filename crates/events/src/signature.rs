//! Authentication of webhooks: signatures, tokens, and Meta's handshake.
//!
//! A signature covers the bytes of the body exactly as received. Meta escapes characters (`\u00e4`, `\/`) in ways
//! that other JSON serialisers do not reproduce, so a body that was parsed and serialised again does not match its
//! signature.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use crate::auth_scheme::{AuthScheme, Credential};

/// A secret shared with a provider. It is never printed; `Debug` hides it.
#[derive(Clone)]
pub struct Secret {
    text: Box<[u8]>,
    /// The HMAC before its first byte, with the secret as its key.
    mac: Hmac<Sha256>,
}

impl Secret {
    /// Creates a secret without the surrounding white space and byte order mark that files and consoles add. `None`
    /// if nothing is left.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        let mac = Hmac::new_from_slice(text.as_bytes()).ok()?;
        (!text.is_empty()).then(|| Secret { text: text.as_bytes().into(), mac })
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// The credentials accepted from one provider. Each list may hold several values, so that a secret can be rotated
/// without an interruption.
#[derive(Clone, Debug, Default)]
pub struct ProviderAuth {
    /// Keys of HMAC-SHA256 signatures.
    pub hmac_secrets: Vec<Secret>,
    /// Shared tokens.
    pub tokens: Vec<Secret>,
    /// Whether webhooks without any credential are accepted, if the provider's [`AuthScheme`] has such a setting.
    pub allow_unsigned: bool,
    /// Verify tokens of the GET handshake.
    pub verify_tokens: Vec<Secret>,
}

/// Why a webhook is rejected with status 401. The text contains no credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// The operator configured no secret for this provider, so no webhook can be authenticated.
    #[error("no secret is configured for this provider")]
    NotConfigured,
    /// The header with the credential is missing.
    #[error("header {0} is missing")]
    Missing(&'static str),
    /// The credential matches no configured secret, or has the wrong format.
    #[error("the credential in {0} is wrong")]
    Wrong(&'static str),
    /// The query of a handshake lacks a parameter.
    #[error("parameter {0} is missing")]
    MissingParameter(&'static str),
}

/// Result of checking the headers of a webhook before its body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderCheck {
    /// A token is valid, or the provider may send webhooks without credentials. The body is not needed for
    /// authentication.
    Authentic,
    /// The signature is well-formed; verifying it requires the body.
    NeedsBody,
}

/// Checks the headers before the body is read. A missing, malformed or wrong credential is rejected.
///
/// `header` looks up a header by name, ignoring case.
///
/// # Errors
/// The reason for status 401.
pub fn check_headers<'h>(
    scheme: &AuthScheme,
    header: &dyn Fn(&str) -> Option<&'h [u8]>,
    auth: &ProviderAuth,
) -> Result<HeaderCheck, AuthError> {
    match presented(scheme, header, auth)? {
        Presented::Signature(..) => Ok(HeaderCheck::NeedsBody),
        Presented::Nothing => Ok(HeaderCheck::Authentic),
        Presented::Token(name, token) => check_token(name, token, &auth.tokens).map(|()| HeaderCheck::Authentic),
    }
}

/// Checks that a webhook comes from its provider.
///
/// `header` looks up a header by name, ignoring case. Secrets are compared in constant time.
///
/// # Errors
/// The reason for status 401.
pub fn authenticate<'h>(
    scheme: &AuthScheme,
    header: &dyn Fn(&str) -> Option<&'h [u8]>,
    body: &[u8],
    auth: &ProviderAuth,
) -> Result<(), AuthError> {
    match presented(scheme, header, auth)? {
        Presented::Signature(name, signature) => check_signature(name, &signature, body, &auth.hmac_secrets),
        Presented::Token(name, token) => check_token(name, token, &auth.tokens),
        Presented::Nothing => Ok(()),
    }
}

/// The credential that a webhook presents, with the name of its header.
enum Presented<'h> {
    Signature(&'static str, [u8; 32]),
    Token(&'static str, &'h [u8]),
    /// No credential, which the operator allows.
    Nothing,
}

/// Finds the credential to check. A signature takes precedence over a token. A credential of a kind for which nothing
/// is configured counts as wrong.
fn presented<'h>(
    scheme: &AuthScheme,
    header: &dyn Fn(&str) -> Option<&'h [u8]>,
    auth: &ProviderAuth,
) -> Result<Presented<'h>, AuthError> {
    let find = |credential: Credential| {
        credential.headers.iter().find_map(|name| header(name).map(|value| (*name, value.trim_ascii())))
    };
    let checks_signatures = scheme.signature.filter(|_| !auth.hmac_secrets.is_empty());
    let checks_tokens = scheme.token.filter(|_| !auth.tokens.is_empty());
    let allows_nothing = scheme.unsigned_setting.is_some() && auth.allow_unsigned;
    if checks_signatures.is_none() && checks_tokens.is_none() && !allows_nothing {
        return Err(AuthError::NotConfigured);
    }
    if let Some((name, value)) = checks_signatures.and_then(find) {
        let signature = parse_signature(value).ok_or(AuthError::Wrong(name))?;
        return Ok(Presented::Signature(name, signature));
    }
    if let Some((name, value)) = checks_tokens.and_then(find) {
        return Ok(Presented::Token(name, value));
    }
    let credentials = [scheme.signature, scheme.token];
    if let Some((name, _)) = credentials.into_iter().flatten().find_map(find) {
        return Err(AuthError::Wrong(name));
    }
    if allows_nothing {
        return Ok(Presented::Nothing);
    }
    let expected = credentials.into_iter().flatten().find_map(|credential| credential.headers.first());
    Err(AuthError::Missing(expected.copied().unwrap_or_default()))
}

fn check_signature(name: &'static str, signature: &[u8; 32], body: &[u8], secrets: &[Secret]) -> Result<(), AuthError> {
    let mut matches = Choice::from(0);
    for secret in secrets {
        let mut mac = secret.mac.clone();
        mac.update(body);
        matches |= mac.finalize().into_bytes().as_slice().ct_eq(signature);
    }
    if matches.into() { Ok(()) } else { Err(AuthError::Wrong(name)) }
}

/// Parses `sha256=` and 64 hexadecimal digits, both in any case.
fn parse_signature(value: &[u8]) -> Option<[u8; 32]> {
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

/// Checks a token. In the header `Authorization` it may follow `Bearer`.
fn check_token(name: &'static str, value: &[u8], tokens: &[Secret]) -> Result<(), AuthError> {
    let bearer = value.split_at_checked(7).filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer "));
    let value = match bearer {
        Some((_, token)) if name == "Authorization" => token.trim_ascii(),
        _ => value,
    };
    if is_one_of(value, tokens) { Ok(()) } else { Err(AuthError::Wrong(name)) }
}

fn is_one_of(value: &[u8], secrets: &[Secret]) -> bool {
    secrets.iter().fold(Choice::from(0), |matches, secret| matches | value.ct_eq(&secret.text)).into()
}

/// Answers Meta's GET handshake: returns the challenge if the verify token is one of `verify_tokens`.
///
/// `query_string` is the raw, percent-encoded query with the parameters `hub.mode`, `hub.challenge` and
/// `hub.verify_token`.
///
/// # Errors
/// The reason for status 401.
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

/// Decodes a key or value of a query: `+` is a space, `%2B` a plus.
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
