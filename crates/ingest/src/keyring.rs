//! The secrets, read once at start and again when a signature fails: a rotated secret is picked up without a restart.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::settings::{SECRET_NAMES, Secrets, SettingsError};

/// Secrets Manager is asked again at most this often, however many signatures fail.
pub const REFRESH_INTERVAL: Duration = Duration::from_secs(60);

/// Why the secrets could not be read. Never quotes one.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// Secrets Manager did not give the secret.
    #[error("secrets manager did not give the secret")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The secret is no JSON object of strings.
    #[error("the secret must be a JSON object whose values are strings")]
    Malformed,
    /// One of the values cannot be read.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

/// Where the secrets come from.
pub enum Source {
    /// Environment variables: for local use only.
    Environment,
    /// Secrets Manager: the secret of this name or ARN.
    SecretsManager(aws_sdk_secretsmanager::Client, String),
}

/// The secrets in force.
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
    /// The source does not give them, or they cannot be read.
    pub async fn open(source: Source, keep_response_json: bool) -> Result<Self, KeyringError> {
        let secrets = read(&source, keep_response_json).await?;
        let current = RwLock::new(Arc::new(secrets));
        Ok(Self { source, keep_response_json, current, refreshed: Mutex::new(Instant::now()) })
    }

    /// Given secrets that never change.
    pub fn fixed(secrets: Secrets) -> Self {
        Self {
            source: Source::Environment,
            keep_response_json: secrets.options.keep_response_json,
            current: RwLock::new(Arc::new(secrets)),
            refreshed: Mutex::new(Instant::now()),
        }
    }

    /// The secrets in force.
    pub fn secrets(&self) -> Arc<Secrets> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the secrets again unless that was done within [`REFRESH_INTERVAL`]. True if they were read; a failure is logged
    /// and leaves the old ones in force.
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
                tracing::warn!(%error, "the secrets could not be read again: the old ones stay in force");
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

/// Reads the secret's JSON: an object from [`SECRET_NAMES`] to strings. Other keys are ignored; a name that is missing
/// stands for no secret.
fn parse(text: &str, keep_response_json: bool) -> Result<Secrets, KeyringError> {
    let values: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(text).map_err(|_| KeyringError::Malformed)?;
    let known = |name: &str| values.get(name).filter(|value| !value.is_null());
    if SECRET_NAMES.iter().filter_map(|name| known(name)).any(|value| !value.is_string()) {
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
