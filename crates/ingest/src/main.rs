//! The ingest Lambda function. `README.md` lists its settings.

use std::sync::Arc;

use bluetick_ingest::settings::Settings;
use bluetick_ingest::{app, lambda};
use lambda_http::service_fn;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    bluetick_telemetry::logging::init();
    let settings = Settings::read(|name| std::env::var(name).ok())?;
    let router = Arc::new(app::start(settings).await?);
    lambda_http::run(service_fn(move |request| {
        let router = Arc::clone(&router);
        async move { lambda::handle(&router, request).await }
    }))
    .await
}
