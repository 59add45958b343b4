//! The settings, read once at start. A wrong one stops the start with a clear message instead of surprising later.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bluetick_events::signature::{ProviderAuth, Secret};
use bluetick_events::{Options, Provider, PseudonymKey};

/// Where records go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SinkUrl {
    /// `firehose://<delivery stream>`
    Firehose(String),
    /// `file:///<directory>`: the same gzip NDJSON objects that Firehose would leave.
    File(PathBuf),
}

/// A setting that cannot be used. Never quotes a secret.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SettingsError {
    /// A required variable is missing.
    #[error("{0} is not set")]
    Missing(&'static str),
    /// A variable's value cannot be read.
    #[error("{name} must be {expected}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// What it must look like.
        expected: &'static str,
    },
}

/// What is no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `SINK_URL`
    pub sink: SinkUrl,
    /// `SPILL_URL`: `s3://<bucket>/<prefix>` or `file:///<directory>`; where lines go that the sink did not take.
    pub spill: Option<String>,
    /// `SECRETS_ID`: name or ARN of the secret in Secrets Manager.
    pub secrets_id: Option<String>,
    /// `KEEP_RESPONSE_JSON`: whether flow answers, which may hold personal data, are kept.
    pub keep_response_json: bool,
}

/// The names of all secrets, as variables and as keys of the secret's JSON.
pub const SECRET_NAMES: [&str; 9] = [
    "META_APP_SECRETS",
    "META_VERIFY_TOKENS",
    "WOOSH_SECRETS",
    "WOOSH_TOKENS",
    "WOOSH_ALLOW_UNSIGNED",
    "INTERAKT_SECRETS",
    "WASENDER_SECRETS",
    "TRACKER_TOKENS",
    "PSEUDONYM_KEY",
];

/// What authenticates the providers, and how records are flattened.
#[derive(Debug, Default)]
pub struct Secrets {
    providers: BTreeMap<&'static str, ProviderAuth>,
    /// Tokens of Meta's handshake.
    pub verify_tokens: Vec<Secret>,
    /// How records are flattened.
    pub options: Options,
}

/// A flag: `true`, `1`, `yes`, or their contraries, in any case; absent or empty is false.
fn flag(name: &'static str, value: Option<String>) -> Result<bool, SettingsError> {
    match value.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "" | "0" | "false" | "no" => Ok(false),
        "1" | "true" | "yes" => Ok(true),
        _ => Err(SettingsError::Invalid { name, expected: "true or false" }),
    }
}

impl Settings {
    /// Reads the settings; `variable` looks an environment variable up.
    ///
    /// # Errors
    /// A required variable is missing, or a value cannot be read.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let filled = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let sink = filled("SINK_URL").ok_or(SettingsError::Missing("SINK_URL"))?;
        Ok(Self {
            sink: parse_sink(&sink)?,
            spill: filled("SPILL_URL"),
            secrets_id: filled("SECRETS_ID"),
            keep_response_json: flag("KEEP_RESPONSE_JSON", variable("KEEP_RESPONSE_JSON"))?,
        })
    }
}

fn parse_sink(text: &str) -> Result<SinkUrl, SettingsError> {
    let invalid =
        SettingsError::Invalid { name: "SINK_URL", expected: "firehose://<delivery stream> or file:///<directory>" };
    if let Some(stream) = text.strip_prefix("firehose://") {
        let stream = stream.trim_end_matches('/');
        return if stream.is_empty() { Err(invalid) } else { Ok(SinkUrl::Firehose(stream.to_owned())) };
    }
    url::Url::parse(text)
        .ok()
        .filter(|url| url.scheme() == "file")
        .and_then(|url| url.to_file_path().ok())
        .map(SinkUrl::File)
        .ok_or(invalid)
}

impl Secrets {
    /// Reads the secrets; `value` looks one of [`SECRET_NAMES`] up. Several values of one name are separated by commas: all
    /// are accepted, so that a secret can be rotated without a gap.
    ///
    /// # Errors
    /// A flag cannot be read.
    pub fn read(
        value: impl Fn(&'static str) -> Option<String>,
        keep_response_json: bool,
    ) -> Result<Self, SettingsError> {
        let list =
            |name| -> Vec<Secret> { value(name).unwrap_or_default().split(',').filter_map(Secret::new).collect() };
        let auth = |hmac, tokens, allow_unsigned| ProviderAuth { hmac_secrets: hmac, tokens, allow_unsigned };
        let unsigned = flag("WOOSH_ALLOW_UNSIGNED", value("WOOSH_ALLOW_UNSIGNED"))?;
        Ok(Self {
            providers: BTreeMap::from([
                (Provider::Meta.name(), auth(list("META_APP_SECRETS"), Vec::new(), false)),
                (Provider::Woosh.name(), auth(list("WOOSH_SECRETS"), list("WOOSH_TOKENS"), unsigned)),
                (Provider::Interakt.name(), auth(list("INTERAKT_SECRETS"), Vec::new(), false)),
                (Provider::Wasender.name(), auth(Vec::new(), list("WASENDER_SECRETS"), false)),
                (Provider::Tracker.name(), auth(Vec::new(), list("TRACKER_TOKENS"), false)),
            ]),
            verify_tokens: list("META_VERIFY_TOKENS"),
            options: Options {
                pseudonym_key: value("PSEUDONYM_KEY").and_then(|key| PseudonymKey::new(key.trim().as_bytes())),
                keep_response_json,
            },
        })
    }

    /// What authenticates `provider`.
    pub fn auth(&self, provider: Provider) -> Option<&ProviderAuth> {
        self.providers.get(provider.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::read(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn sinks() {
        let sink = |url| read(&[("SINK_URL", url)]).map(|settings| settings.sink);
        assert_eq!(sink("firehose://events"), Ok(SinkUrl::Firehose("events".to_owned())));
        assert_eq!(sink("file:///tmp/raw%20objects"), Ok(SinkUrl::File(PathBuf::from("/tmp/raw objects"))));
        for wrong in ["firehose://", "s3://bucket", "relative/path", "file://host/share"] {
            assert!(matches!(sink(wrong), Err(SettingsError::Invalid { name: "SINK_URL", .. })), "{wrong}");
        }
        assert_eq!(sink(" ").unwrap_err(), SettingsError::Missing("SINK_URL"));
    }

    #[test]
    fn a_flag_that_is_neither_is_refused() {
        let result = read(&[("SINK_URL", "firehose://events"), ("KEEP_RESPONSE_JSON", "maybe")]);
        assert_eq!(result, Err(SettingsError::Invalid { name: "KEEP_RESPONSE_JSON", expected: "true or false" }));
    }

    #[test]
    fn secrets_are_lists_and_never_printed() {
        let secrets = Secrets::read(
            |name| (name == "META_APP_SECRETS").then(|| "first-hidden, second-hidden ,,".to_owned()),
            false,
        )
        .unwrap();
        assert_eq!(secrets.auth(Provider::Meta).unwrap().hmac_secrets.len(), 2);
        assert!(secrets.auth(Provider::Interakt).unwrap().hmac_secrets.is_empty());
        assert!(!format!("{secrets:?}").contains("hidden"));
    }
}
