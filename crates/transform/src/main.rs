//! The transform Lambda function. Its settings are in `README.md`.

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::sqs::SqsEvent;
use bluetick_transform::lambda::{Function, now};
use lambda_runtime::{LambdaEvent, service_fn};
use tokio::time::Instant;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    bluetick_telemetry::logging::init();
    let function = Arc::new(Function::start(|name| std::env::var(name).ok())?);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<SqsEvent>| {
        let function = Arc::clone(&function);
        async move {
            let left = i64::try_from(event.context.deadline).unwrap_or(i64::MAX).saturating_sub(now());
            let left = Duration::from_millis(u64::try_from(left).unwrap_or_default());
            Ok::<_, lambda_runtime::Error>(function.handle(event.payload, Instant::now().checked_add(left)).await)
        }
    }))
    .await
}
