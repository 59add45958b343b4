//! The router behind API Gateway: events in, answers and metrics out.

use std::time::Instant;

use aws_smithy_http_client::tls::{Provider as TlsProvider, rustls_provider::CryptoMode};
use bluetick_telemetry::emf::{Metrics, Unit};
use lambda_http::{Body, RequestExt};

use crate::clock;
use crate::deliver::{Delivery, SPILL_BUDGET, Sink};
use crate::file_sink::FileSink;
use crate::firehose::{AwsFirehoseClient, Firehose, FirehoseClient};
use crate::keyring::{Keyring, Source};
use crate::router::{Answer, Report, Request, Router};
use crate::settings::{Settings, SinkUrl};
use crate::spill::Spill;

/// An error at start, with its causes.
pub type StartError = Box<dyn std::error::Error + Send + Sync>;

/// Makes the router that the settings ask for: clients are made once, at start.
///
/// # Errors
/// A setting cannot be used, a secret cannot be read, or a directory cannot be made.
pub async fn start(settings: Settings) -> Result<Router<AwsFirehoseClient>, StartError> {
    let needs_aws = settings.secrets_id.is_some() || matches!(settings.sink, SinkUrl::Firehose(_));
    let aws = if needs_aws { Some(aws_config().await) } else { None };
    let source = match (&settings.secrets_id, &aws) {
        (Some(id), Some(aws)) => Source::SecretsManager(aws_sdk_secretsmanager::Client::new(aws), id.clone()),
        _ => Source::Environment,
    };
    let sink = match (&settings.sink, &aws) {
        (SinkUrl::Firehose(stream), Some(aws)) => {
            Sink::Firehose(Firehose::new(AwsFirehoseClient::new(aws, stream), jitter))
        }
        (SinkUrl::Firehose(_), None) => return Err("the delivery stream needs the AWS configuration".into()),
        (SinkUrl::File(directory), _) => Sink::File(FileSink::new(directory, clock::now)?),
    };
    let spill = settings.spill.as_deref().map(|url| Spill::open(url, clock::now, SPILL_BUDGET)).transpose()?;
    let keyring = Keyring::open(source, settings.keep_response_json).await?;
    Ok(Router::new(keyring, Delivery::new(sink, spill), clock::now))
}

async fn aws_config() -> aws_config::SdkConfig {
    let http = aws_smithy_http_client::Builder::new().tls_provider(TlsProvider::Rustls(CryptoMode::Ring)).build_https();
    aws_config::from_env().http_client(http).load().await
}

/// A number from 0 to 1 that differs between functions that fail at the same moment.
fn jitter() -> f64 {
    f64::from(uuid::Uuid::new_v4().as_u128() as u32) / f64::from(u32::MAX)
}

/// Handles one event of API Gateway (HTTP API and REST API alike; `lambda_http` has undone base64).
///
/// # Errors
/// The answer could not be built, which only a header that is none could cause.
pub async fn handle<C: FirehoseClient>(
    router: &Router<C>,
    request: lambda_http::Request,
) -> Result<lambda_http::Response<Body>, lambda_http::Error> {
    let start = Instant::now();
    // The path as API Gateway saw it, without the stage that lambda_http puts in front.
    let path = match request.raw_http_path() {
        "" => request.uri().path(),
        raw => raw,
    };
    let (answer, report) = router
        .handle(Request {
            method: request.method(),
            path,
            query: request.uri().query().unwrap_or_default(),
            headers: request.headers(),
            body: request.body().as_ref(),
        })
        .await;
    if let Some(metrics) = metrics(&report, start.elapsed().as_secs_f64() * 1e3) {
        metrics.print(clock::now());
    }
    Ok(respond(answer)?.map(Body::from))
}

/// The answer as an HTTP response.
///
/// # Errors
/// A header cannot be built.
pub fn respond(answer: Answer) -> Result<http::Response<String>, http::Error> {
    let mut builder = http::Response::builder().status(answer.status).header("content-type", answer.content_type);
    for (name, value) in answer.headers {
        builder = builder.header(name, value);
    }
    builder.body(answer.body)
}

/// The metrics of a request to a provider's route; none for others. `latency` is in milliseconds.
fn metrics(report: &Report, latency: f64) -> Option<Metrics> {
    let provider = report.provider?;
    let delivered = report.delivered;
    Some(
        Metrics::new()
            .dimension("Provider", provider)
            .count("Accepted", delivered.accepted)
            .count("Retried", delivered.retried)
            .count("Spilled", delivered.spilled)
            .count("Refused", delivered.refused)
            .count("SignatureFailures", u64::from(report.signature_failure))
            .count("Unreadable", u64::from(report.unreadable))
            .value("Latency", Unit::Milliseconds, latency),
    )
}
