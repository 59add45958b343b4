//! The secrets. They are read at start; again after [`MAX_AGE`], so that removed secrets and a new pseudonym key take
//! effect; and again when authentication fails, so that a new secret works without delay. Two reads are at least
//! [`REFRESH_INTERVAL`] apart.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::settings::{Secrets, SettingsError, secret_names};

/// Minimum time between two reads from Secrets Manager.
pub const REFRESH_INTERVAL: Duration = Duration::from_secs(60);
/// Age at which the secrets are read again before they are used.
pub const MAX_AGE: Duration = Duration::from_secs(300);
/// Maximum time that a request waits for secrets to be re-read because of their age. After that it uses the old ones.
const REFRESH_TIMEOUT: Duration = Duration::from_millis(500);

/// Why the secrets could not be read. The error text contains no secret.
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
    /// Secrets Manager, with names or ARNs of secrets. If several secrets have values under the same key, all of them
    /// are accepted.
    SecretsManager(aws_sdk_secretsmanager::Client, Vec<String>),
}

/// The current secrets.
pub struct Keyring {
    source: Source,
    keep_response_json: bool,
    current: RwLock<Arc<Secrets>>,
    refreshed: Mutex<Instant>,
    /// When the current secrets were read.
    read_at: RwLock<Instant>,
}

impl Keyring {
    /// Reads the secrets for the first time.
    ///
    /// # Errors
    /// The source cannot be read, or a value is not valid.
    pub async fn open(source: Source, keep_response_json: bool) -> Result<Self, KeyringError> {
        let secrets = read(&source, keep_response_json).await?;
        let current = RwLock::new(Arc::new(secrets));
        let now = Instant::now();
        Ok(Self { source, keep_response_json, current, refreshed: Mutex::new(now), read_at: RwLock::new(now) })
    }

    /// A keyring with secrets that never change, for tests.
    pub fn fixed(secrets: Secrets) -> Self {
        Self {
            source: Source::Environment,
            keep_response_json: secrets.options.keep_response_json,
            current: RwLock::new(Arc::new(secrets)),
            refreshed: Mutex::new(Instant::now()),
            read_at: RwLock::new(Instant::now()),
        }
    }

    /// The current secrets.
    pub fn secrets(&self) -> Arc<Secrets> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the secrets again if they are older than [`MAX_AGE`]. Must be called before a request uses the secrets;
    /// otherwise a removed secret would be accepted until Lambda's execution environment ends.
    pub async fn refresh_if_old(&self) {
        let read_at = *self.read_at.read().unwrap_or_else(PoisonError::into_inner);
        if read_at.elapsed() >= MAX_AGE && tokio::time::timeout(REFRESH_TIMEOUT, self.refresh()).await.is_err() {
            tracing::warn!("Secrets Manager did not answer in time: the old secrets stay");
        }
    }

    /// Reads the secrets again, unless the last read was less than [`REFRESH_INTERVAL`] ago. Returns whether they
    /// were read. A failure is logged, and the old secrets are kept.
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
                *self.read_at.write().unwrap_or_else(PoisonError::into_inner) = *refreshed;
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
        Source::SecretsManager(client, ids) => {
            let mut values = BTreeMap::new();
            for id in ids {
                merge(&mut values, &fetch(client, id).await?)?;
            }
            Ok(Secrets::read(|name| values.get(name).cloned(), keep_response_json)?)
        }
    }
}

/// Fetches the text of a secret. Returns an empty text if the secret has no value yet.
async fn fetch(client: &aws_sdk_secretsmanager::Client, id: &str) -> Result<String, KeyringError> {
    match client.get_secret_value().secret_id(id).send().await {
        Ok(answer) => Ok(answer.secret_string().unwrap_or_default().to_owned()),
        Err(error) if error.as_service_error().is_some_and(GetSecretValueError::is_resource_not_found_exception) => {
            tracing::warn!(secret = id, "the secret has no value yet: its providers are answered 401");
            Ok(String::new())
        }
        Err(error) => Err(KeyringError::Unavailable(Box::new(error))),
    }
}

/// Merges the values of a secret: a JSON object whose keys are [`secret_names`] and whose values are strings. Other
/// keys are ignored. If a key already has a value, both are kept, separated by a comma.
fn merge(values: &mut BTreeMap<&'static str, String>, text: &str) -> Result<(), KeyringError> {
    if text.trim().is_empty() {
        return Ok(());
    }
    let found: BTreeMap<String, serde_json::Value> = serde_json::from_str(text).map_err(|_| KeyringError::Malformed)?;
    for name in secret_names() {
        match found.get(name) {
            None | Some(serde_json::Value::Null) => {}
            Some(serde_json::Value::String(value)) if value.trim().is_empty() => {}
            Some(serde_json::Value::String(value)) => {
                values.entry(name).and_modify(|all| *all = format!("{all},{value}")).or_insert_with(|| value.clone());
            }
            Some(_) => return Err(KeyringError::Malformed),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as StdMutex;

    use bluetick_events::Provider;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    fn merged(texts: &[&str]) -> Result<Secrets, KeyringError> {
        let mut values = BTreeMap::new();
        for text in texts {
            merge(&mut values, text)?;
        }
        Ok(Secrets::read(|name| values.get(name).cloned(), false)?)
    }

    #[test]
    fn the_secret_is_a_json_object_of_strings() {
        let secrets = merged(&[r#"{"INTERAKT_SECRETS":"new,old","OTHER":1,"META_APP_SECRETS":null}"#]).unwrap();
        assert_eq!(secrets.auth(Provider::Interakt).unwrap().hmac_secrets.len(), 2);
        for malformed in ["[]", "not json", r#"{"TRACKER_TOKENS":["hidden"]}"#] {
            let error = merged(&[malformed]).unwrap_err();
            assert!(matches!(error, KeyringError::Malformed), "{malformed}");
            assert!(!format!("{error:?} {error}").contains("hidden"));
        }
    }

    #[test]
    fn the_operators_secret_and_the_generated_token_add_up() {
        let generated = r#"{"META_VERIFY_TOKENS":"generated"}"#;
        for (operators, tokens) in
            [("", 1), (r#"{"META_VERIFY_TOKENS":""}"#, 1), (r#"{"META_VERIFY_TOKENS":"own"}"#, 2)]
        {
            let secrets = merged(&[operators, generated]).unwrap();
            assert_eq!(secrets.auth(Provider::Meta).unwrap().verify_tokens.len(), tokens, "{operators}");
        }
    }

    /// Starts a Secrets Manager emulator on loopback that returns the current text, and creates a client for it.
    async fn secrets_manager(text: Arc<StdMutex<String>>) -> aws_sdk_secretsmanager::Client {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let _ = connection.read(&mut [0; 8192]).await;
                let body = serde_json::json!({"SecretString": text.lock().unwrap().clone()}).to_string();
                let length = body.len();
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
                let _ = connection.write_all((head + &body).as_bytes()).await;
            }
        });
        let config = aws_sdk_secretsmanager::Config::builder()
            .behavior_version_latest()
            .endpoint_url(endpoint)
            .region(aws_sdk_secretsmanager::config::Region::new("eu-west-1"))
            .credentials_provider(aws_sdk_secretsmanager::config::Credentials::new("test", "test", None, None, "test"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        aws_sdk_secretsmanager::Client::from_conf(config)
    }

    /// Advances the clock by `seconds`; requests run in real time.
    async fn pass(seconds: u64) {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(seconds)).await;
        tokio::time::resume();
    }

    #[tokio::test]
    async fn a_removed_secret_is_refused_and_a_new_pseudonym_key_is_used_within_five_minutes() {
        let text = Arc::new(StdMutex::new(r#"{"META_APP_SECRETS":"leaked,good"}"#.to_owned()));
        let client = secrets_manager(Arc::clone(&text)).await;
        let keyring = Keyring::open(Source::SecretsManager(client, vec!["secret".to_owned()]), false).await.unwrap();
        let state = || {
            let secrets = keyring.secrets();
            (secrets.auth(Provider::Meta).unwrap().hmac_secrets.len(), secrets.options.pseudonym_key.is_some())
        };
        *text.lock().unwrap() = r#"{"META_APP_SECRETS":"good","PSEUDONYM_KEY":"key"}"#.to_owned();
        pass(MAX_AGE.as_secs() - 10).await;
        keyring.refresh_if_old().await;
        assert_eq!(state(), (2, false), "no request to Secrets Manager before the age is reached");
        pass(10).await;
        keyring.refresh_if_old().await;
        assert_eq!(state(), (1, true));
        // If a secret cannot be parsed, the old secrets are kept.
        *text.lock().unwrap() = "not json".to_owned();
        pass(MAX_AGE.as_secs()).await;
        keyring.refresh_if_old().await;
        assert_eq!(state(), (1, true));
    }
}
