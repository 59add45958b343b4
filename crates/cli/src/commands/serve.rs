//! `bluetick serve`: the ingest router on loopback, and with `--every` the whole product in one process.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bluetick_ingest::app::start;
use bluetick_ingest::settings::{Settings, SinkUrl};
use bluetick_lake::{Lake, LakeOptions};
use bluetick_transform::batch::{DEFAULT_FLUSH_BYTES, Transform};
use bluetick_transform::raw;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::commands::server::Server;
use crate::output::{self, CommandResult};

/// Take webhooks over HTTP and write raw objects; with --every also move them into the lake
///
/// Secrets are read from environment variables; `bluetick providers` lists their names. A provider without a secret is answered 401.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where to listen; keep to loopback unless a proxy with TLS stands in front
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where records go: file:///directory or firehose://stream
    #[arg(long, value_name = "URL", env = "SINK_URL")]
    sink: String,
    /// Move what arrived into the lake this often: 60s, 5m, 1h
    #[arg(long, value_name = "TIME", value_parser = parse_time, requires = "lake")]
    every: Option<Duration>,
    /// The lake for --every: s3://bucket/prefix or file:///directory
    #[arg(long, value_name = "URL", env = "LAKE_URL")]
    lake: Option<String>,
}

fn parse_time(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match text.get(digits.len()..).unwrap_or_default() {
        "s" | "" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return Err("a time is a number and s, m or h".to_owned()),
    };
    match digits.parse::<u64>() {
        Ok(number) if number > 0 => Ok(Duration::from_secs(number.saturating_mul(unit))),
        _ => Err("a time is a whole number above 0 and s, m or h".to_owned()),
    }
}

pub(crate) async fn run(arguments: &Arguments) -> CommandResult {
    let settings = Settings::read(|name| match name {
        "SINK_URL" => Some(arguments.sink.clone()),
        name => std::env::var(name).ok(),
    })?;
    let mover = match (&arguments.every, &arguments.lake) {
        (Some(every), Some(lake)) => Some(Mover::new(&settings, *every, lake)?),
        _ => None,
    };
    let server = Arc::new(Server::new(start(settings).await?));
    let listener = TcpListener::bind(arguments.listen).await?;
    output::line(format_args!("listening on http://{}", listener.local_addr()?))?;

    let (stop, stopped) = watch::channel(false);
    let moving = mover.map(|mover| tokio::spawn(mover.run(stopped)));
    server.serve(listener, signal()).await;
    // Without a mover nobody listens.
    let _ = stop.send(true);
    if let Some(moving) = moving {
        moving.await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Ready when the process is asked to stop.
async fn signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// Moves raw objects into the lake again and again.
struct Mover {
    every: Duration,
    raw: PathBuf,
    transform: Transform,
    /// Objects that are done. A restart begins anew, which costs time but doubles nothing.
    done: HashSet<String>,
}

impl Mover {
    fn new(settings: &Settings, every: Duration, lake: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let SinkUrl::File(raw) = &settings.sink else {
            return Err("--every needs a sink on this machine: file:///directory".into());
        };
        let lake = Lake::open(lake, LakeOptions::default())?;
        let transform = Transform::new(lake, DEFAULT_FLUSH_BYTES);
        Ok(Self { every, raw: std::path::absolute(raw)?, transform, done: HashSet::new() })
    }

    async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        loop {
            let stopping = tokio::select! {
                () = tokio::time::sleep(self.every) => false,
                _ = stopped.changed() => true,
            };
            if let Err(error) = self.pass().await {
                tracing::warn!(%error, "raw objects could not be moved: the next pass tries again");
            }
            if stopping {
                return;
            }
        }
    }

    async fn pass(&mut self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let url = url::Url::from_directory_path(&self.raw).map_err(|()| "the sink's directory has no URL")?;
        let mut sources = raw::list(url.as_str()).await?;
        sources.retain(|source| !self.done.contains(source.path.as_ref()));
        if sources.is_empty() {
            return Ok(());
        }
        let report = self.transform.run(&sources, None, |_| {}).await;
        let done = sources.iter().enumerate().filter(|(number, _)| !report.failed.contains(number));
        self.done.extend(done.map(|(_, source)| source.path.to_string()));
        tracing::info!(objects = report.objects, new = report.new, duplicates = report.duplicates, "moved");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(parse_time("60s"), Ok(Duration::from_secs(60)));
        assert_eq!(parse_time("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(parse_time("1h"), Ok(Duration::from_secs(3_600)));
        for wrong in ["", "s", "0s", "-1s", "5d", "1.5h"] {
            assert!(parse_time(wrong).is_err(), "{wrong}");
        }
    }
}
