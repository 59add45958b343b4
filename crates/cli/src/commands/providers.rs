//! `bluetick providers`: the providers, their routes and the names of their secrets.

use std::process::ExitCode;

use bluetick_events::{Provider, Route};
use bluetick_ingest::settings::secret_names;
use serde_json::json;

use crate::output::{self, CommandResult};

/// List the providers, their routes and the names of their secrets
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Print JSON: {"providers": [{"name", "routes": [{"method", "path"}], "secrets"}], "secrets"}
    #[arg(long)]
    json: bool,
}

/// The routes of a provider, as method and path.
fn routes(provider: Provider) -> Vec<(&'static str, String)> {
    let handshake = provider.auth_scheme().handshake_setting.is_some();
    Route::of(provider)
        .into_iter()
        .flat_map(|route| {
            let get = handshake.then(|| ("GET", route.path()));
            get.into_iter().chain([("POST", route.path())])
        })
        .collect()
}

pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    if arguments.json {
        let providers: Vec<_> = Provider::ALL
            .into_iter()
            .map(|provider| {
                let routes = routes(provider).into_iter().map(|(method, path)| json!({"method": method, "path": path}));
                json!({
                    "name": provider.name(),
                    "routes": routes.collect::<Vec<_>>(),
                    "secrets": provider.secret_names().collect::<Vec<_>>(),
                })
            })
            .collect();
        let secrets: Vec<_> = secret_names().collect();
        output::line(serde_json::to_string_pretty(&json!({"providers": providers, "secrets": secrets}))?)?;
    } else {
        for provider in Provider::ALL {
            let routes: Vec<_> = routes(provider).iter().map(|(method, path)| format!("{method} {path}")).collect();
            let secrets: Vec<_> = provider.secret_names().collect();
            output::line(format_args!("{provider}: {}; secrets {}", routes.join(", "), secrets.join(", ")))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
