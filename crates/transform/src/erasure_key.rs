//! The secret of the list of erasures, as the functions read it at their start.

use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use aws_smithy_http_client::tls::{Provider as TlsProvider, rustls_provider::CryptoMode};

/// Maximum time to read the secret, with retries. Lambda gives a function ten seconds to start.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// Why the secret of the list of erasures cannot be used. No text contains the secret.
#[derive(Debug, thiserror::Error)]
pub enum ErasureKeyError {
    /// Both `ERASURE_KEY` and `ERASURE_KEY_ID` are set.
    #[error("ERASURE_KEY and ERASURE_KEY_ID are both set: set only one of them")]
    Two,
    /// Secrets Manager did not return the secret.
    #[error("the secret {id:?} (ERASURE_KEY_ID) could not be read from Secrets Manager")]
    Unavailable {
        /// Name or ARN of the secret.
        id: String,
        /// The error of the call.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The secret has no text.
    #[error("the secret {0:?} (ERASURE_KEY_ID) has no text: put the key of the list of erasures into it")]
    Empty(String),
}

/// Reads the secret of the list of erasures. `None` if neither variable is set: the lake then uses a secret of its own.
///
/// - `ERASURE_KEY_ID`: name or ARN of a secret in Secrets Manager, whose text is the secret without white space at its
///   ends. A function of a stack uses this variable, because a function's variables can be read by everyone who may see
///   its configuration.
/// - `ERASURE_KEY`: the secret itself, for other environments.
///
/// A secret that cannot be read is an error: with the lake's own secret the function would find no erased person.
///
/// # Errors
/// Both variables are set, or the secret cannot be read or is empty.
pub async fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Option<String>, ErasureKeyError> {
    let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    match (set("ERASURE_KEY"), set("ERASURE_KEY_ID")) {
        (Some(_), Some(_)) => Err(ErasureKeyError::Two),
        (None, Some(id)) => fetch(&client().await, id.trim()).await.map(Some),
        (key, None) => Ok(key),
    }
}

async fn client() -> Client {
    let http = aws_smithy_http_client::Builder::new().tls_provider(TlsProvider::Rustls(CryptoMode::Ring)).build_https();
    let timeouts = TimeoutConfig::builder().operation_timeout(READ_TIMEOUT).build();
    Client::new(&aws_config::from_env().http_client(http).timeout_config(timeouts).load().await)
}

async fn fetch(client: &Client, id: &str) -> Result<String, ErasureKeyError> {
    let answer = client.get_secret_value().secret_id(id).send().await;
    let answer = answer.map_err(|error| ErasureKeyError::Unavailable { id: id.to_owned(), source: Box::new(error) })?;
    match answer.secret_string().unwrap_or_default().trim() {
        "" => Err(ErasureKeyError::Empty(id.to_owned())),
        key => Ok(key.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// A client of a Secrets Manager on loopback that gives one answer.
    async fn secrets_manager(status: &'static str, body: serde_json::Value) -> Client {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            let _ = connection.read(&mut [0; 8192]).await;
            let body = body.to_string();
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            connection.write_all((head + &body).as_bytes()).await.unwrap();
        });
        let config = aws_sdk_secretsmanager::Config::builder()
            .behavior_version_latest()
            .endpoint_url(endpoint)
            .region(aws_sdk_secretsmanager::config::Region::new("eu-west-1"))
            .credentials_provider(aws_sdk_secretsmanager::config::Credentials::new("test", "test", None, None, "test"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        Client::from_conf(config)
    }

    async fn fetched(status: &'static str, body: serde_json::Value) -> Result<String, ErasureKeyError> {
        fetch(&secrets_manager(status, body).await, "the-id").await
    }

    #[tokio::test]
    async fn the_text_of_the_secret_is_the_key() {
        let body = serde_json::json!({"SecretString": "\n k e y \n"});
        assert_eq!(fetched("200 OK", body).await.unwrap(), "k e y");
    }

    #[tokio::test]
    async fn a_secret_that_cannot_be_used_stops_the_function() {
        for body in [serde_json::json!({"SecretString": " \n"}), serde_json::json!({"SecretBinary": "aGlkZGVu"})] {
            let error = fetched("200 OK", body).await.unwrap_err();
            assert!(matches!(error, ErasureKeyError::Empty(_)) && error.to_string().contains("the-id"), "{error}");
        }
        let denied = serde_json::json!({"__type": "AccessDeniedException", "message": "no"});
        let error = fetched("400 Bad Request", denied).await.unwrap_err();
        assert!(matches!(error, ErasureKeyError::Unavailable { .. }), "{error}");
        assert!(error.to_string().contains("the-id"));
    }

    #[tokio::test]
    async fn the_key_may_also_stand_in_the_environment() {
        let only = |wanted: &'static str| move |name: &str| (name == wanted).then(|| "key".to_owned());
        assert_eq!(read(only("ERASURE_KEY")).await.unwrap().as_deref(), Some("key"));
        assert_eq!(read(only("OTHER")).await.unwrap(), None);
        assert_eq!(read(|_| Some(" ".to_owned())).await.unwrap(), None, "an empty variable counts as none");
        let error = read(|_| Some("hidden".to_owned())).await.unwrap_err();
        assert!(matches!(error, ErasureKeyError::Two) && !format!("{error:?} {error}").contains("hidden"));
    }
}
