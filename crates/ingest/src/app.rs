//! Builds the router from the settings, and converts its answers to HTTP responses. The Lambda function and `bluetick
//! serve` share this module.

use aws_smithy_http_client::tls::{Provider as TlsProvider, rustls_provider::CryptoMode};
use bluetick_lookups::Lookups;

use crate::answer::Answer;
use crate::archive::Archive;
use crate::clock;
use crate::deliver::{Delivery, SPILL_BUDGET, Sink};
use crate::file_sink::FileSink;
use crate::firehose::{AwsFirehoseClient, Firehose};
use crate::keyring::{Keyring, KeyringError, Source};
use crate::router::Router;
use crate::settings::{Settings, SinkUrl};
use crate::spill::{Spill, SpillError};

/// Why the application cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A secret could not be read.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The directory of the file sink could not be created.
    #[error("the directory of the sink could not be created: {0}")]
    FileSink(#[source] std::io::Error),
    /// The spill could not be opened.
    #[error(transparent)]
    Spill(#[from] SpillError),
}

/// Builds the router and its clients from the settings. The caller opens the look-up store, so that the Lambda function
/// does not have to link SQLite, which only `bluetick serve` needs.
///
/// # Errors
/// A secret cannot be read, or a directory or client cannot be created.
pub async fn start(settings: Settings, lookups: Option<Lookups>) -> Result<Router<AwsFirehoseClient>, StartError> {
    // Load the AWS configuration only if an AWS service is used: loading takes time and needs credentials.
    let mut aws = None;
    let sink = open_sink(&settings.sink, &mut aws).await?;
    let archive = match &settings.archive {
        Some(url) => Some(open_sink(url, &mut aws).await?),
        None => None,
    };
    let source = match settings.secrets_id {
        Some(id) => {
            let config = match aws {
                Some(config) => config,
                None => aws_config().await,
            };
            let ids = id.split(',').map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()).collect();
            Source::SecretsManager(aws_sdk_secretsmanager::Client::new(&config), ids)
        }
        None => Source::Environment,
    };
    let open_spill = |url: Option<&str>| url.map(|url| Spill::open(url, SPILL_BUDGET)).transpose();
    let spill = open_spill(settings.spill.as_deref())?;
    let archive_spill = open_spill(settings.archive_spill.as_deref())?;
    let archive = archive.map(|sink| Archive::new(Delivery::new(sink, archive_spill)));
    let keyring = Keyring::open(source, settings.keep_response_json).await?;
    let lookups = lookups
        .map(|lookups| lookups.with_feed_budget(settings.lookup_budget).with_first_event(settings.first_event_ms));
    Ok(Router::new(keyring, Delivery::new(sink, spill), clock::system_time).with_archive(archive).with_lookups(lookups))
}

async fn open_sink(
    url: &SinkUrl,
    aws: &mut Option<aws_config::SdkConfig>,
) -> Result<Sink<AwsFirehoseClient>, StartError> {
    Ok(match url {
        SinkUrl::Firehose(stream) => {
            let config = match aws {
                Some(config) => config,
                None => aws.insert(aws_config().await),
            };
            Sink::Firehose(Firehose::new(AwsFirehoseClient::new(config, stream), jitter))
        }
        SinkUrl::File(directory) => Sink::File(FileSink::new(directory).map_err(StartError::FileSink)?),
    })
}

async fn aws_config() -> aws_config::SdkConfig {
    let http = aws_smithy_http_client::Builder::new().tls_provider(TlsProvider::Rustls(CryptoMode::Ring)).build_https();
    aws_config::from_env().http_client(http).load().await
}

/// A random number from 0 to 1.
fn jitter() -> f64 {
    f64::from(uuid::Uuid::new_v4().as_u128() as u32) / f64::from(u32::MAX)
}

/// Converts an answer to an HTTP response.
///
/// # Errors
/// A header of the answer is invalid.
pub fn respond(answer: Answer) -> Result<http::Response<String>, http::Error> {
    let mut builder = http::Response::builder().status(answer.status).header("content-type", answer.content_type);
    for (name, value) in answer.headers {
        builder = builder.header(name, value);
    }
    builder.body(answer.body)
}
