//! The transform Lambda function. Its settings are in `README.md`.

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::sqs::SqsEvent;
use bluetick_transform::lambda::{Function, now, open_lookups};
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use tokio::time::Instant;

/// Converts the function's deadline. `deadline` and `now` are in milliseconds since 1970, UTC. `None` if the deadline
/// had passed before the invocation began: `cargo lambda watch` sends the number 600000.
fn deadline(deadline: u64, now: i64) -> Option<Instant> {
    let left = deadline.checked_sub(u64::try_from(now).ok()?).filter(|left| *left > 0)?;
    Instant::now().checked_add(Duration::from_millis(left))
}

// Commits run on all processors that Lambda gives to the function.
#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    bluetick_telemetry::logging::init();
    let variable = |name: &str| std::env::var(name).ok();
    let function = Arc::new(Function::start(variable).await?.with_lookups(open_lookups(variable).await?));
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
        let function = Arc::clone(&function);
        async move {
            let deadline = deadline(event.context.deadline, now());
            if event.payload.pointer("/Records/0/eventSource").and_then(Value::as_str) == Some("aws:sqs") {
                let messages: SqsEvent = serde_json::from_value(event.payload)?;
                return Ok(serde_json::to_value(function.handle(messages, deadline).await)?);
            }
            function.handle_directly(&event.payload.to_string(), deadline).await?;
            Ok::<_, lambda_runtime::Error>(Value::Null)
        }
    }))
    .await
}
