//! The router behind API Gateway: converts requests and responses, and emits metrics.

use std::time::Instant;

use bluetick_telemetry::emf::{Metrics, Unit};
use lambda_http::{Body, RequestExt};

use crate::app::respond;
use crate::firehose::FirehoseClient;
use crate::router::{Report, Request, Router};

/// Handles one request from an HTTP API or a REST API of API Gateway. `lambda_http` has already decoded base64.
///
/// # Errors
/// A header of the answer is invalid.
pub async fn handle<C: FirehoseClient>(
    router: &Router<C>,
    request: lambda_http::Request,
) -> Result<lambda_http::Response<Body>, lambda_http::Error> {
    let start = Instant::now();
    // The path as API Gateway received it. In `uri()` `lambda_http` prefixes the path with the stage.
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
        metrics.print(router.now());
    }
    Ok(respond(answer)?.map(Body::from))
}

/// The metrics of a request to a provider's route, or `None` for other routes. `latency` is in milliseconds.
fn metrics(report: &Report, latency: f64) -> Option<Metrics> {
    let provider = report.provider?;
    let delivered = report.delivered;
    let metrics = Metrics::new()
        .dimension("Provider", provider)
        .count("Accepted", delivered.accepted)
        .count("Retried", delivered.retried)
        .count("Spilled", delivered.spilled)
        .count("Refused", delivered.refused)
        .count("SignatureFailures", u64::from(report.signature_failure))
        .count("Unreadable", u64::from(report.unreadable))
        .value("Latency", Unit::Milliseconds, latency)
        // Totals over all providers, because alarms need them.
        .total(
            "Function",
            "ingest",
            &["Accepted", "Spilled", "Refused", "SignatureFailures", "NotArchived", "DoubtfulReceipts"],
        );
    // CloudWatch bills a metric from its first value on, so a metric that is never sent costs nothing.
    let seldom = [
        ("LookupsMissed", report.lookups_missed),
        ("NotArchived", report.not_archived),
        ("DoubtfulReceipts", report.doubtful_receipts),
    ];
    let counted = seldom.into_iter().filter(|(_, count)| *count > 0);
    Some(counted.fold(metrics, |metrics, (name, count)| metrics.count(name, count)))
}
