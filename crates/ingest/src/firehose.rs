//! The Firehose sink: calls `PutRecordBatch` within its limits and retries failed records until a deadline.
//!
//! A call may succeed although some records failed; the SDK does not retry those. A call that timed out may have been
//! executed: retrying it can store records twice, and the transform drops the duplicates
//! (docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html).

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_firehose::config::retry::RetryConfig;
use aws_sdk_firehose::config::timeout::TimeoutConfig;
use aws_sdk_firehose::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_firehose::primitives::Blob;
use aws_sdk_firehose::types::Record;
use tokio::time::Instant;

use crate::batching;

/// Maximum time from the first call until the remaining lines go to the spill. The sum with the spill's budget stays
/// below the 3 s that Interakt, the strictest provider, waits for a response.
pub const BUDGET: Duration = Duration::from_millis(1_500);
/// Maximum time of one call.
pub const CALL_TIMEOUT: Duration = Duration::from_millis(700);
/// Maximum time to establish a connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_millis(400);
/// Upper limit of the random pause before the first retry. The limit doubles with each further retry.
pub const FIRST_PAUSE: Duration = Duration::from_millis(40);
/// Number of consecutive time-outs after which the circuit breaker opens.
pub const TIMEOUTS_TO_OPEN: u32 = 3;
/// Time for which the circuit breaker stays open.
pub const OPEN_TIME: Duration = Duration::from_secs(30);

/// Why a whole call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallError {
    /// Throttled or unreachable: a retry may succeed.
    Retriable,
    /// No response in time: a retry may succeed, but each one costs the caller [`CALL_TIMEOUT`].
    TimedOut,
    /// No such stream or no permission: a retry cannot succeed.
    Fatal,
}

/// A client that can call `PutRecordBatch`.
pub trait FirehoseClient {
    /// Makes one call. The result says for each record, in order, whether it failed.
    fn put(&self, records: &[Vec<u8>]) -> impl Future<Output = Result<Vec<bool>, CallError>> + Send;
}

/// The result of [`Firehose::put`].
#[derive(Debug, Default, PartialEq, Eq)]
pub struct PutOutcome {
    /// Lines that Firehose did not accept.
    pub unsaved: Vec<u8>,
    /// Number of records sent again, counted once per retry.
    pub retried: u64,
}

/// A delivery stream.
pub struct Firehose<C> {
    client: C,
    jitter: fn() -> f64,
    breaker: Mutex<Breaker>,
}

/// The circuit breaker. While the stream does not respond, lines go directly to the spill. Otherwise each webhook
/// would wait for [`BUDGET`], the function would reach its concurrency limit, and further webhooks would be rejected.
#[derive(Debug, Default)]
struct Breaker {
    /// Number of consecutive calls that timed out.
    timeouts: u32,
    /// Time at which the stream may be tried again.
    open_until: Option<Instant>,
}

impl<C: FirehoseClient> Firehose<C> {
    /// Creates a sink for the delivery stream of `client`. `jitter` returns random numbers from 0 to 1.
    pub fn new(client: C, jitter: fn() -> f64) -> Self {
        Self { client, jitter, breaker: Mutex::default() }
    }

    /// Whether the circuit breaker is open because the stream did not respond recently. After [`OPEN_TIME`] one
    /// request tries the stream again.
    pub fn is_open(&self) -> bool {
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        match breaker.open_until {
            Some(until) if Instant::now() < until => true,
            Some(_) => {
                // The next time-out opens the breaker again.
                *breaker = Breaker { timeouts: TIMEOUTS_TO_OPEN - 1, open_until: None };
                false
            }
            None => false,
        }
    }

    /// Records the result of a call. Returns whether the breaker is now open.
    fn record(&self, timed_out: bool) -> bool {
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        if !timed_out {
            *breaker = Breaker::default();
            return false;
        }
        breaker.timeouts += 1;
        if breaker.timeouts >= TIMEOUTS_TO_OPEN && breaker.open_until.is_none() {
            breaker.open_until = Some(Instant::now() + OPEN_TIME);
            tracing::warn!("firehose does not answer: lines go to the spill for {} s", OPEN_TIME.as_secs());
        }
        breaker.open_until.is_some()
    }

    /// Sends whole lines. Returns once all are accepted, at the deadline ([`BUDGET`]), or after an error that a retry
    /// cannot fix.
    pub async fn put(&self, lines: &[u8]) -> PutOutcome {
        let batches = batching::records(lines, batching::RECORD_BYTES);
        let mut outcome = PutOutcome { unsaved: batches.oversized, retried: 0 };
        let mut waiting = VecDeque::from(batches.records);
        let deadline = Instant::now() + BUDGET;
        let mut pause = FIRST_PAUSE;
        while !waiting.is_empty() {
            let count = batching::next_call(waiting.iter().map(Vec::len));
            let call: Vec<Vec<u8>> = waiting.drain(..count).collect();
            let left = deadline.saturating_duration_since(Instant::now());
            let answer = tokio::time::timeout(left.min(CALL_TIMEOUT), self.client.put(&call)).await;
            let answer = answer.unwrap_or(Err(CallError::TimedOut));
            let is_left_alone = self.record(matches!(answer, Err(CallError::TimedOut)));
            let failed: Vec<Vec<u8>> = match answer {
                // A response of the wrong length has no information about any record: all count as failed.
                Ok(failures) if failures.len() != call.len() => call,
                Ok(failures) => {
                    call.into_iter().zip(failures).filter_map(|(record, failed)| failed.then_some(record)).collect()
                }
                Err(CallError::Retriable) => call,
                Err(CallError::TimedOut) if !is_left_alone => call,
                // A retry would only cost the caller another time-out.
                Err(CallError::TimedOut | CallError::Fatal) => {
                    waiting.extend(call);
                    break;
                }
            };
            if failed.is_empty() {
                continue;
            }
            let retries = failed.len() as u64;
            waiting.extend(failed);
            let wait = pause.mul_f64((self.jitter)().clamp(0.0, 1.0));
            if Instant::now() + wait >= deadline {
                break;
            }
            tokio::time::sleep(wait).await;
            pause *= 2;
            outcome.retried += retries;
        }
        for record in waiting {
            outcome.unsaved.extend_from_slice(&record);
        }
        outcome
    }
}

/// The client of the AWS SDK.
pub struct AwsFirehoseClient {
    client: aws_sdk_firehose::Client,
    stream: String,
}

impl AwsFirehoseClient {
    /// A client for `stream`. The SDK's own retries are off, because [`Firehose::put`] has to keep its deadline.
    pub fn new(config: &aws_config::SdkConfig, stream: &str) -> Self {
        let timeouts =
            TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_timeout(CALL_TIMEOUT).build();
        let config = aws_sdk_firehose::config::Builder::from(config)
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .build();
        Self { client: aws_sdk_firehose::Client::from_conf(config), stream: stream.to_owned() }
    }
}

impl FirehoseClient for AwsFirehoseClient {
    async fn put(&self, records: &[Vec<u8>]) -> Result<Vec<bool>, CallError> {
        let records = records
            .iter()
            .map(|record| Record::builder().data(Blob::new(record.as_slice())).build())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| CallError::Fatal)?;
        let answer = self
            .client
            .put_record_batch()
            .delivery_stream_name(&self.stream)
            .set_records(Some(records))
            .send()
            .await
            .map_err(|error| {
                let kind = classify(&error);
                tracing::warn!(code = error.code().unwrap_or("no response"), ?kind, "PutRecordBatch failed");
                kind
            })?;
        Ok(answer.request_responses().iter().map(|entry| entry.error_code().is_some()).collect())
    }
}

/// Classifies Firehose's error codes. An unknown code is retriable, because the deadline limits the retries anyway.
fn classify<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> CallError {
    let timed_out = match error {
        SdkError::TimeoutError(_) => true,
        SdkError::DispatchFailure(failure) => failure.is_timeout(),
        _ => false,
    };
    if timed_out {
        return CallError::TimedOut;
    }
    match error.code() {
        Some(
            "ResourceNotFoundException"
            | "InvalidArgumentException"
            | "InvalidKMSResourceException"
            | "InvalidSourceException"
            | "AccessDeniedException"
            | "UnrecognizedClientException"
            | "ValidationException",
        ) => CallError::Fatal,
        _ => CallError::Retriable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client with scripted responses. After the last one it accepts every record.
    struct Script {
        answers: Mutex<VecDeque<Answer>>,
        taken: Mutex<Vec<u8>>,
        calls: Mutex<Vec<usize>>,
    }

    enum Answer {
        /// The indexes of the records that fail.
        Fail(Vec<usize>),
        Error(CallError),
        Hang,
        WrongLength,
    }

    impl FirehoseClient for &Script {
        async fn put(&self, records: &[Vec<u8>]) -> Result<Vec<bool>, CallError> {
            self.calls.lock().unwrap().push(records.len());
            let answer = self.answers.lock().unwrap().pop_front();
            let failing = match answer {
                Some(Answer::Error(error)) => return Err(error),
                Some(Answer::Hang) => std::future::pending().await,
                Some(Answer::WrongLength) => return Ok(vec![false; records.len() + 1]),
                Some(Answer::Fail(failing)) => failing,
                None => Vec::new(),
            };
            let failures: Vec<bool> = (0..records.len()).map(|number| failing.contains(&number)).collect();
            for (record, failed) in records.iter().zip(&failures) {
                if !failed {
                    self.taken.lock().unwrap().extend_from_slice(record);
                }
            }
            Ok(failures)
        }
    }

    fn script(answers: Vec<Answer>) -> Script {
        Script { answers: Mutex::new(answers.into()), taken: Mutex::default(), calls: Mutex::default() }
    }

    /// Three lines, each of which fills a record.
    fn three_records() -> Vec<u8> {
        (b'a'..=b'c').flat_map(|letter| [vec![letter; batching::RECORD_BYTES - 1], vec![b'\n']].concat()).collect()
    }

    fn letters(lines: &[u8]) -> String {
        let mut letters: Vec<char> =
            lines.split(|byte| *byte == b'\n').filter_map(|line| line.first()).map(|byte| char::from(*byte)).collect();
        letters.sort_unstable();
        letters.into_iter().collect()
    }

    #[tokio::test(start_paused = true)]
    async fn only_failed_records_are_sent_again() {
        let script = script(vec![Answer::Fail(vec![1])]);
        let outcome = Firehose::new(&script, || 1.0).put(&three_records()).await;
        assert_eq!(outcome, PutOutcome { unsaved: Vec::new(), retried: 1 });
        assert_eq!(*script.calls.lock().unwrap(), [3, 1]);
        assert_eq!(letters(&script.taken.lock().unwrap()), "abc");
    }

    #[tokio::test(start_paused = true)]
    async fn a_hanging_stream_gives_everything_back_within_the_budget() {
        let script = script((0..50).map(|_| Answer::Hang).collect());
        let start = Instant::now();
        let outcome = Firehose::new(&script, || 1.0).put(&three_records()).await;
        assert_eq!(letters(&outcome.unsaved), "abc");
        assert!(start.elapsed() <= BUDGET, "{:?}", start.elapsed());
        assert!(script.calls.lock().unwrap().len() > 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_does_not_answer_is_left_alone_for_a_while_and_then_tried_once() {
        let script = script((0..4).map(|_| Answer::Hang).collect());
        let firehose = Firehose::new(&script, || 1.0);
        for _ in 0..2 {
            assert!(!firehose.is_open());
            firehose.put(b"a\n").await;
        }
        assert!(firehose.is_open(), "three calls in a row timed out");
        tokio::time::advance(OPEN_TIME).await;
        assert!(!firehose.is_open());
        let calls = script.calls.lock().unwrap().len();
        script.answers.lock().unwrap().push_front(Answer::Hang);
        firehose.put(b"a\n").await;
        assert!(firehose.is_open(), "one more time-out is enough: {calls}");
        tokio::time::advance(OPEN_TIME).await;
        script.answers.lock().unwrap().clear();
        assert!(!firehose.is_open());
        assert_eq!(firehose.put(b"a\n").await.unsaved, b"");
        script.answers.lock().unwrap().push_back(Answer::Hang);
        firehose.put(b"a\n").await;
        assert!(!firehose.is_open(), "an answer begins the count again");
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_stream_answers_and_is_not_left_alone() {
        let script = script((0..100).map(|_| Answer::Error(CallError::Retriable)).collect());
        let firehose = Firehose::new(&script, || 0.5);
        firehose.put(b"a\n").await;
        assert!(!firehose.is_open());
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_stream_is_tried_again_and_ends() {
        let script = script((0..1_000).map(|_| Answer::Error(CallError::Retriable)).collect());
        let outcome = Firehose::new(&script, || 0.5).put(b"a\n").await;
        assert_eq!(outcome.unsaved, b"a\n");
        let calls = script.calls.lock().unwrap().len() as u64;
        assert!((3..20).contains(&calls) && outcome.retried == calls - 1, "{calls} calls, {}", outcome.retried);
    }

    #[tokio::test(start_paused = true)]
    async fn a_fatal_error_is_not_tried_again() {
        let script = script(vec![Answer::Error(CallError::Fatal)]);
        let outcome = Firehose::new(&script, || 1.0).put(b"a\nb\n").await;
        assert_eq!(outcome, PutOutcome { unsaved: b"a\nb\n".to_vec(), retried: 0 });
        assert_eq!(script.calls.lock().unwrap().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_of_the_wrong_length_proves_nothing() {
        let script = script(vec![Answer::WrongLength]);
        let outcome = Firehose::new(&script, || 1.0).put(b"a\n").await;
        assert_eq!(outcome, PutOutcome { unsaved: Vec::new(), retried: 1 });
        assert_eq!(script.taken.lock().unwrap().as_slice(), b"a\n");
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_that_no_record_can_hold_is_handed_back() {
        let script = script(Vec::new());
        let lines = [vec![b'x'; batching::RECORD_BYTES], b"\na\n".to_vec()].concat();
        let outcome = Firehose::new(&script, || 1.0).put(&lines).await;
        assert_eq!(letters(&outcome.unsaved), "x");
        assert_eq!(script.taken.lock().unwrap().as_slice(), b"a\n");
    }
}
