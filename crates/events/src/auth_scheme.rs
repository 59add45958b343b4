//! What a provider declares about its credentials.

/// How a provider proves that a webhook is its own: headers, and the settings that hold the expected values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthScheme {
    /// An HMAC-SHA256 signature of the body, `sha256=` and 64 hexadecimal digits.
    pub signature: Option<Credential>,
    /// A shared token, sent as it is. In the header `Authorization` it follows `Bearer`.
    pub token: Option<Credential>,
    /// The setting that accepts webhooks without any credential if it is true. A wrong credential is refused all the
    /// same.
    pub unsigned_setting: Option<&'static str>,
    /// The setting that holds the verify tokens of the GET handshake, which Meta makes before it sends webhooks.
    pub handshake_setting: Option<&'static str>,
}

/// A kind of credential: the headers that may carry it, and the setting that holds the accepted values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Names of the headers; the first one present is checked.
    pub headers: &'static [&'static str],
    /// Name of the setting, whose values are separated by commas.
    pub setting: &'static str,
}

impl AuthScheme {
    const NONE: AuthScheme =
        AuthScheme { signature: None, token: None, unsigned_setting: None, handshake_setting: None };

    /// Webhooks carry a signature in one of `headers`; `setting` holds the secrets.
    pub(crate) const fn signature(headers: &'static [&'static str], setting: &'static str) -> Self {
        AuthScheme { signature: Some(Credential { headers, setting }), ..Self::NONE }
    }

    /// Webhooks carry a token in one of `headers`; `setting` holds the tokens.
    pub(crate) const fn token(headers: &'static [&'static str], setting: &'static str) -> Self {
        AuthScheme { token: Some(Credential { headers, setting }), ..Self::NONE }
    }

    /// The names of all settings that this scheme reads.
    pub fn setting_names(&self) -> impl Iterator<Item = &'static str> {
        let credentials = [self.signature, self.token].map(|credential| credential.map(|it| it.setting));
        credentials.into_iter().chain([self.unsigned_setting, self.handshake_setting]).flatten()
    }
}
