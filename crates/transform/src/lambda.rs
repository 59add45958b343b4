//! The transform and sweep Lambda functions.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use bluetick_lake::{Lake, LakeOptions, SweepReport};
use bluetick_lookups::dynamodb::DynamoStore;
use bluetick_lookups::{Address, LookupStore};
use bluetick_telemetry::emf::{Metrics, Unit};
use tokio::time::Instant;

use crate::batch::{BatchReport, DEFAULT_FLUSH_BYTES, Transform};
use crate::raw::RawStores;
use crate::{envelope, erasure_key};

/// Time reserved before the function's deadline for the response and metrics; at most a tenth of the remaining time.
pub const MARGIN: Duration = Duration::from_secs(5);

/// An error that prevents the function's start, with its causes.
pub type StartError = Box<dyn std::error::Error + Send + Sync>;

/// The current time in milliseconds since 1970, UTC.
pub fn now() -> i64 {
    chrono::DateTime::<chrono::Utc>::from(SystemTime::now()).timestamp_millis()
}

/// Opens the lake at `LAKE_URL`, with `FIRST_DAY` and the secret of [`erasure_key::read`] if they are set. `variable`
/// looks up an environment variable.
///
/// # Errors
/// `LAKE_URL` is missing or cannot be opened, `FIRST_DAY` is not a valid day, or the secret cannot be read.
pub async fn open_lake(variable: impl Fn(&str) -> Option<String>) -> Result<Lake, StartError> {
    let url = variable("LAKE_URL").filter(|url| !url.trim().is_empty()).ok_or("LAKE_URL is not set")?;
    let erasure_key = erasure_key::read(&variable).await?;
    let first_day = variable("FIRST_DAY").filter(|day| !day.trim().is_empty());
    let first_day = first_day.map(|day| day.parse()).transpose()?.unwrap_or_default();
    Ok(Lake::open(&url, LakeOptions { erasure_key, first_day, ..LakeOptions::default() })?)
}

/// Opens the look-up store at `LOOKUPS_URL`, if it is set. `variable` looks up an environment variable.
///
/// # Errors
/// `LOOKUPS_URL` does not name a DynamoDB table.
pub async fn open_lookups(
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<Arc<dyn LookupStore>>, StartError> {
    let Some(url) = variable("LOOKUPS_URL").filter(|url| !url.trim().is_empty()) else { return Ok(None) };
    match url.trim().parse()? {
        Address::Table { name, keep_days } => Ok(Some(Arc::new(DynamoStore::connect(&name, keep_days).await))),
        Address::Directory(_) => Err("LOOKUPS_URL must be dynamodb://<table>".into()),
    }
}

/// The transform function: moves the raw objects named by SQS messages into the lake.
pub struct Function {
    transform: Transform,
    stores: RawStores,
}

impl Function {
    /// Reads the settings `LAKE_URL`, `ERASURE_KEY_ID`, `ERASURE_KEY`, `FIRST_DAY`, `RAW_URL` and `FLUSH_BYTES`.
    /// `variable` looks up an environment variable.
    ///
    /// # Errors
    /// A setting is missing or invalid.
    pub async fn start(variable: impl Fn(&str) -> Option<String>) -> Result<Self, StartError> {
        let flush_bytes = match variable("FLUSH_BYTES") {
            Some(text) => text.trim().parse().map_err(|_| "FLUSH_BYTES is not a whole number of bytes")?,
            None => DEFAULT_FLUSH_BYTES,
        };
        let stores = RawStores::new(variable("RAW_URL").as_deref())?;
        Ok(Self { transform: Transform::new(open_lake(&variable).await?, flush_bytes), stores })
    }

    /// The same function, which also applies the rows to a look-up store.
    #[must_use]
    pub fn with_lookups(self, lookups: Option<Arc<dyn LookupStore>>) -> Self {
        Self { transform: self.transform.with_lookups(lookups), ..self }
    }

    /// Handles a batch of SQS messages. The response lists the failed messages, and SQS redelivers only those.
    /// `deadline` is the time at which Lambda stops the function.
    pub async fn handle(&self, event: SqsEvent, deadline: Option<Instant>) -> SqsBatchResponse {
        let deadline = deadline.map(|deadline| {
            let left = deadline.saturating_duration_since(Instant::now());
            deadline.checked_sub(MARGIN.min(left / 10)).unwrap_or(deadline)
        });
        let mut failed = BTreeSet::new();
        let mut sources = Vec::new();
        let mut messages = Vec::new();
        for (number, message) in event.records.iter().enumerate() {
            let objects = envelope::parse(message.body.as_deref().unwrap_or_default());
            let found = objects.map_err(StartError::from).and_then(|objects| {
                objects
                    .iter()
                    .map(|object| self.stores.source(object).map_err(StartError::from))
                    .collect::<Result<Vec<_>, _>>()
            });
            match found {
                Ok(found) => {
                    messages.extend(std::iter::repeat_n(number, found.len()));
                    sources.extend(found);
                }
                Err(error) => {
                    tracing::error!(message = message.message_id, %error, "failed to read an SQS message; it will be redelivered");
                    failed.insert(number);
                }
            }
        }
        let report = self.transform.run(&sources, deadline, |_| {}).await;
        failed.extend(report.failed.iter().filter_map(|source| messages.get(*source)).copied());
        metrics(&report).print(now());
        respond(&event, failed.into_iter())
    }

    /// Handles an event that did not come through SQS, but directly from S3, SNS or EventBridge. After an error
    /// Lambda invokes the function again.
    ///
    /// # Errors
    /// The event has no known format, or an object could not be moved into the lake.
    pub async fn handle_directly(&self, event: &str, deadline: Option<Instant>) -> Result<(), StartError> {
        let objects = envelope::parse(event)?;
        let sources = objects.iter().map(|object| self.stores.source(object)).collect::<Result<Vec<_>, _>>()?;
        let report = self.transform.run(&sources, deadline, |_| {}).await;
        metrics(&report).print(now());
        match report.failed.len() {
            0 => Ok(()),
            failed => Err(format!("{failed} of {} objects could not be moved into the lake", sources.len()).into()),
        }
    }
}

fn respond(event: &SqsEvent, failed: impl Iterator<Item = usize>) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = failed
        .filter_map(|number| event.records.get(number))
        .map(|message| {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message.message_id.clone().unwrap_or_default();
            failure
        })
        .collect();
    response
}

/// Metrics of a batch.
fn metrics(report: &BatchReport) -> Metrics {
    let metrics = Metrics::new()
        .dimension("Function", "transform")
        .count("Objects", report.objects)
        .count("ObjectsFailed", report.failed.len() as u64)
        .count("RecordsIn", report.lines)
        .count("New", report.new)
        .count("Duplicates", report.duplicates)
        .count("Erased", report.erased)
        .count("Rejected", report.rejected)
        .count("Commits", report.commits)
        .count("Conflicts", report.conflicts)
        .value("BytesWritten", Unit::Bytes, report.bytes_written as f64)
        .count("NotConserved", u64::from(report.failed.is_empty() && !report.is_conserved()));
    // CloudWatch bills a metric from its first value on, so a metric that is never sent costs nothing.
    match report.lookups_deferred {
        0 => metrics,
        deferred => metrics.count("LookupsDeferred", deferred),
    }
}

/// Metrics of a sweep.
pub fn sweep_metrics(report: &SweepReport) -> Metrics {
    Metrics::new()
        .dimension("Function", "sweep")
        .count("FilesReferenced", report.referenced)
        .count("FilesUnreferenced", report.unreferenced)
        .count("FilesDeleted", report.deleted.len() as u64)
        .value("BytesDeleted", Unit::Bytes, report.bytes_deleted as f64)
        .count("ErasedRows", report.erased_rows)
        .count("PartitionsWithoutManifest", report.without_manifest.len() as u64)
}
