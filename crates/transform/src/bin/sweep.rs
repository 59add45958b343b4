//! The sweep Lambda function: deletes superseded parts and confirms erasures. `README.md` lists its settings.

use std::sync::Arc;

use bluetick_transform::lambda::{now, open_lake, sweep_metrics};
use lambda_runtime::{LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    bluetick_telemetry::logging::init();
    let lake = Arc::new(open_lake(|name| std::env::var(name).ok()).await?);
    // The content of the scheduled event is ignored.
    lambda_runtime::run(service_fn(move |_: LambdaEvent<serde::de::IgnoredAny>| {
        let lake = Arc::clone(&lake);
        async move {
            let report = lake.sweep(false).await?;
            sweep_metrics(&report).print(now());
            tracing::info!(deleted = report.deleted.len(), unreferenced = report.unreferenced, "swept");
            Ok::<_, lambda_runtime::Error>(())
        }
    }))
    .await
}
