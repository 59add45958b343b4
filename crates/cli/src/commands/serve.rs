//! `bluetick serve`: the ingest router over HTTP, and with `--every` the whole pipeline in one process.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bluetick_ingest::app::start;
use bluetick_ingest::firehose::AwsFirehoseClient;
use bluetick_ingest::settings::{Settings, SinkUrl};
use bluetick_lake::{Lake, LakeOptions};
use bluetick_lookups::{LookupStore, Lookups};
use bluetick_transform::batch::{DEFAULT_FLUSH_BYTES, Transform};
use bluetick_transform::raw::{self, Source};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::commands::server::{Server, Timeouts};
use crate::commands::{lake_options, refuse_nested, refuse_nested_places, report_page};
use crate::output::{self, CommandResult};

/// Accept webhooks over HTTP and write raw objects; with --every also move them into the lake
///
/// SIGTERM or Ctrl-C stops the server: it finishes the requests in progress within --shutdown-timeout, then makes a
/// last move into the lake. A second signal ends the process at once; no acknowledged webhook is lost.
///
/// Secrets are read from environment variables; `bluetick providers` lists their names. A provider without a secret is
/// answered 401.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Address to listen on. The server has no TLS: use loopback, or a proxy with TLS in front
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Destination of the records: file:///directory or firehose://stream
    #[arg(long, value_name = "URL", env = "SINK_URL")]
    sink: String,
    /// Move new raw objects into the lake at this interval: 60s, 5m, 1h
    #[arg(long, value_name = "TIME", value_parser = parse_time, requires = "lake")]
    every: Option<Duration>,
    /// The lake: s3://bucket/prefix or file:///directory. If it is a directory, clients of this machine get its newest
    /// report (`make report`) at /report
    #[arg(long, value_name = "URL", env = "LAKE_URL")]
    lake: Option<String>,
    /// Keep the bodies of authentic requests as received: file:///directory or firehose://stream. They contain message
    /// texts and phone numbers; `bluetick reflatten` reads them
    #[arg(long, value_name = "URL", env = "ARCHIVE_URL")]
    archive: Option<String>,
    /// Disconnect a client that takes longer than this to send its headers, to send its body, or to read an answer
    #[arg(long, value_name = "TIME", value_parser = parse_time, default_value = "10s")]
    client_timeout: Duration,
    /// After a signal to stop, close all connections after this time at the latest
    #[arg(long, value_name = "TIME", value_parser = parse_time, default_value = "15s")]
    shutdown_timeout: Duration,
    /// Look-up store that answers look-ups: file:///directory or dynamodb://table; without it look-ups are answered
    /// 404
    #[arg(long, value_name = "URL", env = "LOOKUPS_URL")]
    lookups: Option<String>,
}

fn parse_time(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match text.get(digits.len()..).unwrap_or_default() {
        "s" | "" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return Err("expected a whole number and s, m or h, such as 60s".to_owned()),
    };
    match digits.parse::<u64>() {
        Ok(number) if number > 0 => Ok(Duration::from_secs(number.saturating_mul(unit))),
        _ => Err("expected a whole number above 0 and s, m or h, such as 60s".to_owned()),
    }
}

pub(crate) async fn run(arguments: &Arguments) -> CommandResult {
    let settings = Settings::read(|name| match name {
        "SINK_URL" => Some(arguments.sink.clone()),
        "LOOKUPS_URL" => arguments.lookups.clone(),
        "ARCHIVE_URL" => arguments.archive.clone(),
        name => std::env::var(name).ok(),
    })?;
    let store = match &settings.lookups {
        Some(address) => Some(address.open().await?),
        None => None,
    };
    if let Some(archive) = &arguments.archive {
        // Bodies among the raw objects would be read as records.
        let places = [("the raw objects", Some(&arguments.sink)), ("the lake", arguments.lake.as_ref())];
        for (name, url) in places.into_iter().filter_map(|(name, url)| Some((name, url?))) {
            refuse_nested_places((name, url), ("the archive", archive))?;
        }
    }
    let mover = match (&arguments.every, &arguments.lake) {
        (Some(every), Some(lake)) => {
            refuse_nested(&arguments.sink, lake)?;
            Some(Mover::new(&settings, *every, lake, store.clone())?)
        }
        _ => None,
    };
    let timeouts = Timeouts { client: arguments.client_timeout, shutdown: arguments.shutdown_timeout };
    let reports = arguments.lake.as_deref().and_then(report_page::directory);
    let server = Arc::new(Server::new(start(settings, store.map(Lookups::new)).await?, reports, timeouts));
    let mut signals = StopSignals::new()?;
    let listener = TcpListener::bind(arguments.listen).await?;
    output::line(format_args!("listening on http://{}", listener.local_addr()?))?;

    let (stop, stopped) = watch::channel(false);
    let mut work = std::pin::pin!(serve_and_move(server, listener, mover, stopped));
    tokio::select! {
        result = &mut work => return result,
        () = signals.next() => {}
    }
    // An error means that the work has already ended.
    let _ = stop.send(true);
    tokio::select! {
        result = work => result,
        () = signals.next() => {
            tracing::warn!("stopped at once by a second signal");
            // Exiting is safe: every acknowledged webhook is on disk, and an interrupted commit leaves the lake
            // unchanged.
            std::process::exit(1)
        }
    }
}

/// Serves until `stopped` is true, then moves the last raw objects into the lake.
async fn serve_and_move(
    server: Arc<Server<AwsFirehoseClient>>,
    listener: TcpListener,
    mover: Option<Mover>,
    stopped: watch::Receiver<bool>,
) -> CommandResult {
    let (finish, finished) = watch::channel(false);
    let moving = mover.map(|mover| tokio::spawn(mover.run(finished)));
    server.serve(listener, stopped).await;
    // An error means that there is no mover.
    let _ = finish.send(true);
    if let Some(moving) = moving {
        moving.await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The signals that request a stop: SIGTERM and SIGINT, or Ctrl-C on systems without them.
struct StopSignals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl StopSignals {
    #[cfg(unix)]
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    #[cfg(not(unix))]
    fn new() -> std::io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next signal.
    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// Moves raw objects into the lake at an interval.
struct Mover {
    every: Duration,
    raw: PathBuf,
    transform: Transform,
    /// Names of objects that were already moved. After a restart they are read again, which takes time but adds no
    /// duplicates.
    done: HashSet<String>,
}

impl Mover {
    fn new(
        settings: &Settings,
        every: Duration,
        lake: &str,
        lookups: Option<Arc<dyn LookupStore>>,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let SinkUrl::File(raw) = &settings.sink else {
            return Err("--every needs a local sink: file:///directory".into());
        };
        let first_day = std::env::var("FIRST_DAY").ok().map(|day| day.parse()).transpose()?.unwrap_or_default();
        let options = LakeOptions { first_day, ..lake_options(std::env::var("ERASURE_KEY").ok()) };
        let lake = Lake::open(lake, options)?;
        let transform = Transform::new(lake, DEFAULT_FLUSH_BYTES).with_lookups(lookups);
        Ok(Self { every, raw: std::path::absolute(raw)?, transform, done: HashSet::new() })
    }

    async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        loop {
            let stopping = tokio::select! {
                () = tokio::time::sleep(self.every) => false,
                _ = stopped.changed() => true,
            };
            if let Err(error) = self.pass().await {
                tracing::warn!(%error, "failed to move raw objects; the next pass retries");
            }
            if stopping {
                return;
            }
        }
    }

    async fn pass(&mut self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let url =
            url::Url::from_directory_path(&self.raw).map_err(|()| "the sink's directory cannot be written as a URL")?;
        let mut sources = raw::list(url.as_str()).await?;
        // Forget objects that were deleted.
        let listed: HashSet<&str> = sources.iter().map(Source::name).collect();
        self.done.retain(|name| listed.contains(name.as_str()));
        sources.retain(|source| !self.done.contains(source.name()));
        if sources.is_empty() {
            self.transform.apply_due_lookups().await;
            return Ok(());
        }
        let report = self.transform.run(&sources, None, |_| {}).await;
        let done = sources.iter().enumerate().filter(|(number, _)| !report.failed.contains(number));
        self.done.extend(done.map(|(_, source)| source.name().to_owned()));
        tracing::info!(objects = report.objects, new = report.new, duplicates = report.duplicates, "moved raw objects");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_parsed() {
        assert_eq!(parse_time("60s"), Ok(Duration::from_secs(60)));
        assert_eq!(parse_time("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(parse_time("1h"), Ok(Duration::from_secs(3_600)));
        for wrong in ["", "s", "0s", "-1s", "5d", "1.5h"] {
            assert!(parse_time(wrong).is_err(), "{wrong}");
        }
    }
}
