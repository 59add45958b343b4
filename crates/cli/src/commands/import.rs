//! `bluetick import`: imports the history of another system into the lake.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use bluetick_events::{Options, PseudonymKey, Record, flatten};
use bluetick_transform::batch::{BatchReport, DEFAULT_FLUSH_BYTES, Transform};
use bluetick_transform::raw::Source as RawObject;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::json;

use crate::commands::{LakeArguments, OptionalLookupsArguments};
use crate::import::sources::{Body, Source};
use crate::import::table::{self, BadRow, Row};
use crate::output::{self, CommandResult};

/// Number of bytes of records that are moved into the lake per chunk.
const CHUNK_BYTES: usize = 32 << 20;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Import the history of another system into the lake
///
/// Each row is converted to the webhooks that reported it, so an import can be repeated, and may overlap with live
/// webhooks. Rows that cannot be used go to a file, each with the reason; the exit status is then 1. docs/migrate.md
/// describes the columns.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What the file is an export of
    #[arg(long, value_enum)]
    from: Source,
    /// CSV with a header line; NDJSON for button-clicks
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    lake: LakeArguments,
    #[command(flatten)]
    lookups: OptionalLookupsArguments,
    /// Leave out events from this time on, which live webhooks have reported, as in 2026-11-20T12:00:00Z
    #[arg(long, value_name = "TIME")]
    before: Option<jiff::Timestamp>,
    /// Where rows that cannot be used are written, as NDJSON [default: FILE.rejected.ndjson]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Hash phone numbers with this key and drop names, as the deployed functions do
    #[arg(long, value_name = "KEY", env = "PSEUDONYM_KEY", hide_env_values = true)]
    pseudonym_key: Option<String>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: &Arguments) -> CommandResult {
    let transform =
        Transform::new(arguments.lake.open()?, DEFAULT_FLUSH_BYTES).with_lookups(arguments.lookups.open().await?);
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let mut reading = Reading::new(arguments, sender);
    let (source, file) = (arguments.from, arguments.file.clone());
    // Reading and parsing block the thread; they continue while a chunk is committed.
    let reader = tokio::task::spawn_blocking(move || {
        let mut take = |row| reading.row(source, row);
        if source.is_csv() {
            table::csv(&file, |header| source.check_header(header), &mut take)?;
        } else {
            table::ndjson(&file, &mut take)?;
        }
        reading.finish()
    });
    // If a commit fails, report its error; the reader only notices that its receiver is gone.
    let moved = move_chunks(&transform, receiver).await?;
    let (counts, rejects) = reader.await??;
    let is_complete = counts.rejected == 0 && moved.rejected == 0;
    let report = json!({
        "rows": counts.rows,
        "records": counts.records,
        "left_out": counts.left_out,
        "new": moved.new,
        "duplicates": moved.duplicates,
        "erased": moved.erased,
        "commits": moved.commits,
        "rejected_rows": counts.rejected,
        "rejected_rows_file": rejects.map(|path| path.display().to_string()),
        "rejected_records": moved.rejected,
    });
    output::report(arguments.json, &report)?;
    Ok(if is_complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Moves each chunk of lines through the transform, as a raw object in memory.
async fn move_chunks(
    transform: &Transform,
    mut chunks: tokio::sync::mpsc::Receiver<Vec<u8>>,
) -> Result<BatchReport, BoxError> {
    let mut total = BatchReport::default();
    while let Some(chunk) = chunks.recv().await {
        let (store, path) = (Arc::new(InMemory::new()), Path::from("import"));
        store.put(&path, chunk.into()).await?;
        let object = RawObject::stored(store as Arc<dyn ObjectStore>, path);
        let report = transform.run(std::slice::from_ref(&object), None, |_| ()).await;
        if !report.failed.is_empty() {
            return Err(
                "rows could not be committed; the log says why. Repeat the import: it adds what is missing".into()
            );
        }
        total += &report;
    }
    Ok(total)
}

#[derive(Default)]
struct Counts {
    rows: u64,
    records: u64,
    left_out: u64,
    rejected: u64,
}

/// Converts rows to lines and passes them on in chunks.
struct Reading {
    options: Options,
    received_at: i64,
    before: Option<i64>,
    lines: Vec<u8>,
    chunks: tokio::sync::mpsc::Sender<Vec<u8>>,
    rejects: Rejects,
    counts: Counts,
}

impl Reading {
    fn new(arguments: &Arguments, chunks: tokio::sync::mpsc::Sender<Vec<u8>>) -> Self {
        let pseudonym_key = arguments.pseudonym_key.as_ref().and_then(|key| PseudonymKey::new(key.as_bytes()));
        let path = arguments.rejects.clone().unwrap_or_else(|| {
            let mut name = arguments.file.clone().into_os_string();
            name.push(".rejected.ndjson");
            name.into()
        });
        Self {
            options: Options { pseudonym_key, ..Options::default() },
            received_at: bluetick_ingest::clock::system_time(),
            before: arguments.before.map(jiff::Timestamp::as_millisecond),
            lines: Vec::new(),
            chunks,
            rejects: Rejects { path, file: None },
            counts: Counts::default(),
        }
    }

    fn row(&mut self, source: Source, row: Result<Row, BadRow>) -> Result<(), BoxError> {
        self.counts.rows += 1;
        let row = match row {
            Ok(row) => row,
            Err(bad) => {
                self.counts.rejected += 1;
                return Ok(self.rejects.write(&bad.reason, &bad.text.into())?);
            }
        };
        let mut reasons = Vec::new();
        for body in source.bodies(&row) {
            if let Err(reason) = body.and_then(|body| self.body(&body)) {
                reasons.push(reason);
            }
        }
        if !reasons.is_empty() {
            self.counts.rejected += 1;
            self.rejects.write(&reasons.join("; "), &json!(row))?;
        }
        if self.lines.len() >= CHUNK_BYTES { self.hand_on() } else { Ok(()) }
    }

    /// Adds the records of a webhook body. Rejects a body that yields no send, status or click (no record, or an
    /// account event).
    fn body(&mut self, body: &Body) -> Result<(), String> {
        let text = body.json.to_string();
        let flattened =
            flatten(body.route, text.as_bytes(), self.received_at, &self.options).map_err(|error| error.to_string())?;
        if flattened.records.is_empty() || flattened.records.iter().any(|record| record.table() == "account_events") {
            return Err("the row is no send, status or click that can be placed: look at its time and kind".to_owned());
        }
        // If the adapter cannot read a click's time, it uses the time of receipt, which is the current time here.
        if flattened.records.iter().any(|record| record.event_ts() == self.received_at) {
            return Err("the row has no time that can be read".to_owned());
        }
        for record in &flattened.records {
            self.record(record);
        }
        Ok(())
    }

    fn record(&mut self, record: &Record) {
        if self.before.is_some_and(|before| record.event_ts() >= before) {
            self.counts.left_out += 1;
        } else {
            self.counts.records += 1;
            record.write_line(&mut self.lines);
        }
    }

    fn hand_on(&mut self) -> Result<(), BoxError> {
        // The receiver is gone only if a commit failed; that error is reported by the receiver's side.
        self.chunks.blocking_send(std::mem::take(&mut self.lines)).map_err(|_| "the import stopped".into())
    }

    /// Passes on the remaining lines. Returns the counts, and the path of the file of rejected rows if there is one.
    fn finish(mut self) -> Result<(Counts, Option<PathBuf>), BoxError> {
        if !self.lines.is_empty() {
            self.hand_on()?;
        }
        Ok((self.counts, self.rejects.finish()?))
    }
}

/// The file of rejected rows. It is created with the first one.
struct Rejects {
    path: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Rejects {
    fn write(&mut self, reason: &str, row: &serde_json::Value) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(BufWriter::new(File::create(&self.path)?)),
        };
        writeln!(file, "{}", json!({ "reason": reason, "row": row }))
    }

    fn finish(self) -> std::io::Result<Option<PathBuf>> {
        match self.file {
            Some(mut file) => file.flush().map(|()| Some(self.path)),
            None => Ok(None),
        }
    }
}
