//! AWS credentials and region for the operator's commands: the same that the AWS CLI would use.
//!
//! The object store's own chain supports keys in the environment, web identity, containers and instance metadata.
//! This module adds profiles, IAM Identity Center (SSO) and credential processes.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_http_client::tls::{Provider as TlsProvider, rustls_provider::CryptoMode};
use bluetick_storage::{AwsAccess, AwsCredential, CredentialProvider};
use tokio::sync::Mutex;

/// How long before their expiry credentials are resolved again.
const RENEW_BEFORE: Duration = Duration::from_secs(300);

/// Environment variables that name a store.
const URL_VARIABLES: [&str; 2] = ["LAKE_URL", "RAW_URL"];

/// Whether the command line or the environment names a store in S3.
fn uses_s3() -> bool {
    let variables = URL_VARIABLES.iter().filter_map(|name| std::env::var(name).ok());
    std::env::args().chain(variables).any(|value| value.contains("s3://"))
}

/// Makes the stores of this process use the standard AWS credential chain. Does nothing if no store is in S3.
pub(crate) async fn install() {
    if !uses_s3() {
        return;
    }
    let http = aws_smithy_http_client::Builder::new().tls_provider(TlsProvider::Rustls(CryptoMode::Ring)).build_https();
    let config = aws_config::from_env().http_client(http).load().await;
    let Some(provider) = config.credentials_provider() else { return };
    bluetick_storage::use_aws_access(AwsAccess {
        credentials: Arc::new(Chain { provider, current: Mutex::default() }),
        region: config.region().map(ToString::to_string),
    });
}

/// The AWS SDK's credential chain, adapted to the object store's interface.
#[derive(Debug)]
struct Chain {
    provider: SharedCredentialsProvider,
    current: Mutex<Option<(Arc<AwsCredential>, Option<SystemTime>)>>,
}

#[async_trait]
impl CredentialProvider for Chain {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let mut current = self.current.lock().await;
        if let Some((credential, expires)) = current.as_ref()
            && expires.is_none_or(|expires| expires > SystemTime::now() + RENEW_BEFORE)
        {
            return Ok(Arc::clone(credential));
        }
        let found = self.provider.provide_credentials().await.map_err(|error| {
            let text = "no AWS credentials: set AWS_PROFILE or keys, or sign in by `aws sso login`";
            object_store::Error::Unauthenticated { path: text.to_owned(), source: Box::new(error) }
        })?;
        let credential = Arc::new(AwsCredential {
            key_id: found.access_key_id().to_owned(),
            secret_key: found.secret_access_key().to_owned(),
            token: found.session_token().map(str::to_owned),
        });
        *current = Some((Arc::clone(&credential), found.expiry()));
        Ok(credential)
    }
}
