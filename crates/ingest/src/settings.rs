//! The settings, read once at start. The program does not start with an invalid one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use bluetick_events::signature::{ProviderAuth, Secret};
use bluetick_events::{Options, Provider, PseudonymKey};
use bluetick_lookups::Address;
use bluetick_lookups::fact::EARLIEST_EVENT_MS;
use bluetick_lookups::live::FEED_BUDGET;
use chrono::{NaiveDate, NaiveTime};

/// The destination of lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SinkUrl {
    /// `firehose://<delivery stream>`
    Firehose(String),
    /// `file:///<directory>`: a directory of raw objects in Firehose's format.
    File(PathBuf),
}

/// A setting that is missing or invalid. The error text contains no secret.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SettingsError {
    /// A required variable is missing.
    #[error("{0} is not set")]
    Missing(&'static str),
    /// A variable's value is not valid.
    #[error("{name} must be {expected}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// Description of valid values.
        expected: &'static str,
    },
}

/// Non-secret settings from the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `SINK_URL`
    pub sink: SinkUrl,
    /// `SPILL_URL`: `s3://<bucket>/<prefix>` or `file:///<directory>`, for lines that the sink did not accept.
    pub spill: Option<String>,
    /// `ARCHIVE_URL`: where the bodies of authentic requests are kept as received; nowhere if not set.
    pub archive: Option<SinkUrl>,
    /// `ARCHIVE_SPILL_URL`: as `SPILL_URL`, for bodies that the archive did not accept.
    pub archive_spill: Option<String>,
    /// `LOOKUPS_URL`: the optional look-up store, `dynamodb://<table>`, and for `bluetick serve` also
    /// `file:///<directory>`.
    pub lookups: Option<Address>,
    /// `LOOKUP_BUDGET_MS`: maximum time that a webhook waits for the look-up store; 150 ms if not set.
    pub lookup_budget: Duration,
    /// `FIRST_DAY`: the start of the lake's first UTC day, in milliseconds since 1970. The lake rejects earlier
    /// events, so look-ups do not show them.
    pub first_event_ms: i64,
    /// `SECRETS_ID`: names or ARNs of secrets in Secrets Manager, separated by commas.
    pub secrets_id: Option<String>,
    /// `KEEP_RESPONSE_JSON`: whether flow responses, which may contain personal data, are stored.
    pub keep_response_json: bool,
}

/// Name of the secret that belongs to no provider.
const PSEUDONYM_KEY: &str = "PSEUDONYM_KEY";

/// The names of all secrets, as environment variables and as keys of the secret's JSON.
pub fn secret_names() -> impl Iterator<Item = &'static str> {
    Provider::ALL.into_iter().flat_map(Provider::secret_names).chain([PSEUDONYM_KEY])
}

/// The credentials of the providers, and the options that depend on a secret.
#[derive(Debug, Default)]
pub struct Secrets {
    providers: BTreeMap<Provider, ProviderAuth>,
    /// The options for flattening.
    pub options: Options,
}

/// Parses a flag: `true`, `1`, `yes`, `false`, `0` or `no`, in any case. A missing or empty value is false.
fn flag(name: &'static str, value: Option<String>) -> Result<bool, SettingsError> {
    match value.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "" | "0" | "false" | "no" => Ok(false),
        "1" | "true" | "yes" => Ok(true),
        _ => Err(SettingsError::Invalid { name, expected: "true or false" }),
    }
}

impl Settings {
    /// Reads the settings; `variable` looks up an environment variable.
    ///
    /// # Errors
    /// A required variable is missing, or a value is not valid.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let filled = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let sink = filled("SINK_URL").ok_or(SettingsError::Missing("SINK_URL"))?;
        Ok(Self {
            sink: parse_sink("SINK_URL", &sink)?,
            spill: filled("SPILL_URL"),
            archive: filled("ARCHIVE_URL").map(|url| parse_sink("ARCHIVE_URL", &url)).transpose()?,
            archive_spill: filled("ARCHIVE_SPILL_URL"),
            lookup_budget: filled("LOOKUP_BUDGET_MS").map_or(Ok(FEED_BUDGET), |text| parse_budget(&text))?,
            lookups: filled("LOOKUPS_URL").map(|url| parse_lookups(&url)).transpose()?,
            first_event_ms: filled("FIRST_DAY").map_or(Ok(EARLIEST_EVENT_MS), |text| parse_first_day(&text))?,
            secrets_id: filled("SECRETS_ID"),
            keep_response_json: flag("KEEP_RESPONSE_JSON", variable("KEEP_RESPONSE_JSON"))?,
        })
    }
}

fn parse_budget(text: &str) -> Result<Duration, SettingsError> {
    let expected = "a number of milliseconds above 0";
    let millis = text.trim().parse().ok().filter(|millis| *millis > 0);
    millis.map(Duration::from_millis).ok_or(SettingsError::Invalid { name: "LOOKUP_BUDGET_MS", expected })
}

fn parse_first_day(text: &str) -> Result<i64, SettingsError> {
    let expected = "a date from 2009-01-01 on, such as 2024-01-01";
    let day: Option<NaiveDate> = text.trim().parse().ok();
    let first = day.map(|day| day.and_time(NaiveTime::MIN).and_utc().timestamp_millis());
    first.filter(|first| *first >= EARLIEST_EVENT_MS).ok_or(SettingsError::Invalid { name: "FIRST_DAY", expected })
}

fn parse_lookups(text: &str) -> Result<Address, SettingsError> {
    let expected = "file:///<directory> or dynamodb://<table>, the latter with ?keep_days=<days> if not 90";
    text.trim().parse().map_err(|_| SettingsError::Invalid { name: "LOOKUPS_URL", expected })
}

fn parse_sink(name: &'static str, text: &str) -> Result<SinkUrl, SettingsError> {
    let invalid = SettingsError::Invalid { name, expected: "firehose://<delivery stream> or file:///<directory>" };
    if let Some(stream) = text.strip_prefix("firehose://") {
        let stream = stream.trim_end_matches('/');
        return if stream.is_empty() { Err(invalid) } else { Ok(SinkUrl::Firehose(stream.to_owned())) };
    }
    bluetick_storage::directory(text).map(SinkUrl::File).ok_or(invalid)
}

impl Secrets {
    /// Reads the secrets. `value` looks up one of [`secret_names`]. A secret may have several values separated by
    /// commas, each of which is accepted, so that it can be rotated without an interruption.
    ///
    /// # Errors
    /// A flag is not valid.
    pub fn read(
        value: impl Fn(&'static str) -> Option<String>,
        keep_response_json: bool,
    ) -> Result<Self, SettingsError> {
        let list = |name: Option<&'static str>| -> Vec<Secret> {
            let values = name.and_then(&value).unwrap_or_default();
            values.split(',').filter_map(Secret::new).collect()
        };
        let mut providers = BTreeMap::new();
        for provider in Provider::ALL {
            let scheme = provider.auth_scheme();
            let allow_unsigned = match scheme.unsigned_setting {
                Some(name) => flag(name, value(name))?,
                None => false,
            };
            let auth = ProviderAuth {
                hmac_secrets: list(scheme.signature.map(|signature| signature.setting)),
                tokens: list(scheme.token.map(|token| token.setting)),
                allow_unsigned,
                verify_tokens: list(scheme.handshake_setting),
            };
            providers.insert(provider, auth);
        }
        let pseudonym_key = value(PSEUDONYM_KEY).and_then(|key| PseudonymKey::new(key.trim().as_bytes()));
        Ok(Self { providers, options: Options { pseudonym_key, keep_response_json } })
    }

    /// The credentials that are accepted from `provider`; `None` if there are none.
    pub fn auth(&self, provider: Provider) -> Option<&ProviderAuth> {
        self.providers.get(&provider)
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
    fn the_archive_is_off_unless_it_has_a_place() {
        let archive = |url| read(&[("SINK_URL", "firehose://events"), ("ARCHIVE_URL", url)]).map(|found| found.archive);
        assert_eq!((archive(""), archive(" ")), (Ok(None), Ok(None)));
        assert_eq!(archive("firehose://bodies"), Ok(Some(SinkUrl::Firehose("bodies".to_owned()))));
        for wrong in ["firehose://", "s3://bucket/archive", "archive"] {
            assert!(matches!(archive(wrong), Err(SettingsError::Invalid { name: "ARCHIVE_URL", .. })), "{wrong}");
        }
    }

    #[test]
    fn the_first_day_is_that_of_the_lake() {
        let first =
            |day| read(&[("SINK_URL", "firehose://events"), ("FIRST_DAY", day)]).map(|found| found.first_event_ms);
        assert_eq!((first(""), first("2024-01-01")), (Ok(EARLIEST_EVENT_MS), Ok(1_704_067_200_000)));
        for wrong in ["2008-12-31", "2024", "tomorrow"] {
            assert!(matches!(first(wrong), Err(SettingsError::Invalid { name: "FIRST_DAY", .. })), "{wrong}");
        }
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
