//! The ingest Lambda function. Its settings are in `README.md`.

use std::sync::Arc;

use bluetick_ingest::lambda;
use bluetick_ingest::settings::Settings;
use lambda_http::service_fn;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    bluetick_telemetry::logging::init();
    let settings = Settings::read(|name| std::env::var(name).ok())?;
    let router = Arc::new(lambda::start(settings).await?);
    lambda_http::run(service_fn(move |request| {
        let router = Arc::clone(&router);
        async move { lambda::handle(&router, request).await }
    }))
    .await
}
