//! How a provider authenticates its webhooks.

/// The authentication scheme of a provider: the headers that carry credentials, and the settings with the expected
/// values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthScheme {
    /// An HMAC-SHA256 signature of the body, `sha256=` and 64 hexadecimal digits.
    pub signature: Option<Credential>,
    /// A shared token, sent verbatim. In the header `Authorization` it follows `Bearer`.
    pub token: Option<Credential>,
    /// Name of a setting. If it is true, webhooks without any credential are accepted; a wrong credential is still
    /// rejected.
    pub unsigned_setting: Option<&'static str>,
    /// Name of the setting with the verify tokens for the GET handshake, which Meta makes before it sends webhooks.
    pub handshake_setting: Option<&'static str>,
}

/// A kind of credential: the headers that may carry it, and the setting with the accepted values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Names of the headers. The first one present is checked.
    pub headers: &'static [&'static str],
    /// Name of the setting. Its values are separated by commas.
    pub setting: &'static str,
}

impl AuthScheme {
    const NONE: AuthScheme =
        AuthScheme { signature: None, token: None, unsigned_setting: None, handshake_setting: None };

    /// A scheme whose webhooks have a signature in one of `headers`; `setting` names the secrets.
    pub(crate) const fn signature(headers: &'static [&'static str], setting: &'static str) -> Self {
        AuthScheme { signature: Some(Credential { headers, setting }), ..Self::NONE }
    }

    /// A scheme whose webhooks have a token in one of `headers`; `setting` names the tokens.
    pub(crate) const fn token(headers: &'static [&'static str], setting: &'static str) -> Self {
        AuthScheme { token: Some(Credential { headers, setting }), ..Self::NONE }
    }

    /// The names of all settings that this scheme reads.
    pub fn setting_names(&self) -> impl Iterator<Item = &'static str> {
        let credentials = [self.signature, self.token].map(|credential| credential.map(|it| it.setting));
        credentials.into_iter().chain([self.unsigned_setting, self.handshake_setting]).flatten()
    }
}
