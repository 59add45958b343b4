//! The secrets. They are read at start, and again when authentication fails, so that a rotated secret is used without a restart.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::settings::{Secrets, SettingsError, secret_names};

/// Minimum time between two reads from Secrets Manager.
pub const REFRESH_INTERVAL: Duration = Duration::from_secs(60);

/// Why the secrets could not be read. The text quotes no secret.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The call to Secrets Manager failed.
    #[error("the secret could not be read from Secrets Manager")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The secret is not a JSON object of strings.
    #[error("the secret must be a JSON object whose values are strings")]
    Malformed,
    /// A value is not valid.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

/// Where the secrets come from.
pub enum Source {
    /// Environment variables, for local use only.
    Environment,
    /// Secrets Manager; the text is the secret's name or ARN.
    SecretsManager(aws_sdk_secretsmanager::Client, String),
}

/// The current secrets.
pub struct Keyring {
    source: Source,
    keep_response_json: bool,
    current: RwLock<Arc<Secrets>>,
    refreshed: Mutex<Instant>,
}

impl Keyring {
    /// Reads the secrets for the first time.
    ///
    /// # Errors
    /// The source cannot be read, or a value is not valid.
    pub async fn open(source: Source, keep_response_json: bool) -> Result<Self, KeyringError> {
        let secrets = read(&source, keep_response_json).await?;
        let current = RwLock::new(Arc::new(secrets));
        Ok(Self { source, keep_response_json, current, refreshed: Mutex::new(Instant::now()) })
    }

    /// Secrets that never change. For tests.
    pub fn fixed(secrets: Secrets) -> Self {
        Self {
            source: Source::Environment,
            keep_response_json: secrets.options.keep_response_json,
            current: RwLock::new(Arc::new(secrets)),
            refreshed: Mutex::new(Instant::now()),
        }
    }

    /// The current secrets.
    pub fn secrets(&self) -> Arc<Secrets> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the secrets again, unless the last read is less than [`REFRESH_INTERVAL`] ago. `true` if they were read. A failure is logged,
    /// and the old secrets stay.
    pub async fn refresh(&self) -> bool {
        if matches!(self.source, Source::Environment) {
            return false;
        }
        let mut refreshed = self.refreshed.lock().await;
        if refreshed.elapsed() < REFRESH_INTERVAL {
            return false;
        }
        *refreshed = Instant::now();
        match read(&self.source, self.keep_response_json).await {
            Ok(secrets) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(secrets);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "the secrets could not be read again: the old ones stay");
                false
            }
        }
    }
}

async fn read(source: &Source, keep_response_json: bool) -> Result<Secrets, KeyringError> {
    match source {
        Source::Environment => Ok(Secrets::read(|name| std::env::var(name).ok(), keep_response_json)?),
        Source::SecretsManager(client, id) => {
            let answer = client
                .get_secret_value()
                .secret_id(id)
                .send()
                .await
                .map_err(|error| KeyringError::Unavailable(Box::new(error)))?;
            parse(answer.secret_string().unwrap_or_default(), keep_response_json)
        }
    }
}

/// Parses the secret's JSON: an object whose keys are [`secret_names`] and whose values are strings. Other keys are ignored.
fn parse(text: &str, keep_response_json: bool) -> Result<Secrets, KeyringError> {
    let values: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(text).map_err(|_| KeyringError::Malformed)?;
    let known = |name: &str| values.get(name).filter(|value| !value.is_null());
    if secret_names().filter_map(known).any(|value| !value.is_string()) {
        return Err(KeyringError::Malformed);
    }
    let value = |name| known(name).and_then(serde_json::Value::as_str).map(str::to_owned);
    Ok(Secrets::read(value, keep_response_json)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bluetick_events::Provider;

    #[test]
    fn the_secret_is_a_json_object_of_strings() {
        let secrets = parse(r#"{"INTERAKT_SECRETS":"new,old","OTHER":1,"META_APP_SECRETS":null}"#, false).unwrap();
        assert_eq!(secrets.auth(Provider::Interakt).unwrap().hmac_secrets.len(), 2);
        for malformed in ["", "[]", "not json", r#"{"TRACKER_TOKENS":["hidden"]}"#] {
            let error = parse(malformed, false).unwrap_err();
            assert!(matches!(error, KeyringError::Malformed), "{malformed}");
            assert!(!format!("{error:?} {error}").contains("hidden"));
        }
    }
}
