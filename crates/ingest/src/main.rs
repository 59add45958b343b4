//! The ingest Lambda function. `README.md` lists its settings.

use std::sync::Arc;

use bluetick_ingest::settings::Settings;
use bluetick_ingest::{app, lambda};
use bluetick_lookups::dynamodb::DynamoStore;
use bluetick_lookups::{Address, Lookups};
use lambda_http::service_fn;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    bluetick_telemetry::logging::init();
    let settings = Settings::read(|name| std::env::var(name).ok())?;
    let lookups = match &settings.lookups {
        Some(Address::Table { name, keep_days }) => {
            Some(Lookups::new(Arc::new(DynamoStore::connect(name, *keep_days).await)))
        }
        Some(Address::Directory(_)) => {
            return Err(
                "LOOKUPS_URL: a directory works only with the command `bluetick`; give dynamodb://<table>".into()
            );
        }
        None => None,
    };
    let router = Arc::new(app::start(settings, lookups).await?);
    lambda_http::run(service_fn(move |request| {
        let router = Arc::clone(&router);
        async move { lambda::handle(&router, request).await }
    }))
    .await
}
