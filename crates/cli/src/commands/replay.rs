//! `bluetick replay`: adds the records of old raw objects to the lake again. A stopped replay can be resumed.

use std::collections::HashSet;
use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use bluetick_lake::Lake;
use bluetick_lookups::LookupStore;
use bluetick_transform::batch::{BatchReport, DEFAULT_FLUSH_BYTES, Transform};
use bluetick_transform::raw::{self, Source};
use serde_json::json;

use crate::commands::{FirstDayArgument, LakeArguments, OptionalLookupsArguments, refuse_nested, require_directory};
use crate::output::{self, CommandResult};

/// Number of objects per checkpoint: large enough for efficient commits, and small enough that a stop repeats little
/// work.
const OBJECTS_PER_CHECKPOINT: usize = 200;

/// Add the records of old raw objects to the lake again, for instance after a fix; existing rows and erased persons are
/// left out
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The raw objects: s3://bucket/raw/2026/11/20 or file:///directory
    #[arg(value_name = "URL")]
    raw: String,
    #[command(flatten)]
    lake: LakeArguments,
    #[command(flatten)]
    first_day: FirstDayArgument,
    #[command(flatten)]
    lookups: OptionalLookupsArguments,
    /// Record progress in this file, so that a stopped replay can resume
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: &Arguments) -> CommandResult {
    refuse_nested(&arguments.raw, arguments.lake.url())?;
    let (lake, lookups) = (arguments.lake.open_since(&arguments.first_day)?, arguments.lookups.open().await?);
    move_objects(&arguments.raw, lake, lookups, arguments.checkpoint.as_deref(), arguments.json).await
}

/// A checkpoint file. Its first line names the raw objects' URL and the lake; each further line is the name of an
/// object that was moved, see [`line_of`].
struct Checkpoint {
    done: HashSet<String>,
    file: File,
}

impl Checkpoint {
    /// Opens or creates the checkpoint of a replay of `raw` into the lake at `lake`. Fails if the file belongs to
    /// another replay: with that file, this replay would skip objects that it has not moved.
    fn open(path: &Path, raw: &str, lake: &str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let title = format!("replay {} {lake}", raw.trim_end_matches('/'));
        let mut lines = BufReader::new(&file).lines();
        match lines.next().transpose()? {
            Some(found) if found != title => {
                let path = path.display();
                return Err(format!("{path} belongs to another replay ({found:?}): use another file").into());
            }
            Some(_) => {}
            None => writeln!(&file, "{title}")?,
        }
        let done = lines.map(|line| Ok(name_in(line?))).collect::<std::io::Result<_>>()?;
        Ok(Self { done, file })
    }

    fn add<'a>(&mut self, sources: impl Iterator<Item = &'a Source>) -> std::io::Result<()> {
        let lines: String = sources.map(|source| format!("{}\n", line_of(source.name()))).collect();
        self.file.write_all(lines.as_bytes())?;
        self.file.sync_data()
    }
}

/// The line of a name. A name with a control character, such as a line end, is written as a JSON string, and so is a
/// name that looks like one.
fn line_of(name: &str) -> String {
    match name.starts_with('"') || name.contains(char::is_control) {
        true => json!(name).to_string(),
        false => name.to_owned(),
    }
}

/// The name in a line. A line that was cut short names no object, so the object is moved again.
fn name_in(line: String) -> String {
    serde_json::from_str(&line).unwrap_or(line)
}

/// Moves every object under `raw` into `lake` and prints a report. Exit status 1 if an object failed.
pub(crate) async fn move_objects(
    raw: &str,
    lake: Lake,
    lookups: Option<Arc<dyn LookupStore>>,
    checkpoint: Option<&Path>,
    json: bool,
) -> CommandResult {
    require_directory(raw)?;
    let mut checkpoint = checkpoint.map(|path| Checkpoint::open(path, raw, lake.base_uri())).transpose()?;
    let mut sources = raw::list(raw).await?;
    let listed = sources.len();
    if listed == 0 {
        tracing::warn!(raw, "no raw object found");
    }
    if let Some(checkpoint) = &checkpoint {
        sources.retain(|source| !checkpoint.done.contains(source.name()));
    }
    let transform = Transform::new(lake, DEFAULT_FLUSH_BYTES).with_lookups(lookups);
    let bar = output::progress_bar(sources.len() as u64, "raw objects");
    let (mut total, mut failed) = (BatchReport::default(), Vec::new());
    // Without a checkpoint, one batch for all objects needs the fewest commits.
    let size = if checkpoint.is_some() { OBJECTS_PER_CHECKPOINT } else { sources.len().max(1) };
    for batch in sources.chunks(size) {
        let report = transform.run(batch, None, |_| bar.inc(1)).await;
        let is_done = |number: &usize| !report.failed.contains(number);
        if let Some(checkpoint) = &mut checkpoint {
            checkpoint.add(batch.iter().enumerate().filter(|(number, _)| is_done(number)).map(|(_, source)| source))?;
        }
        failed.extend(
            report.failed.iter().filter_map(|number| batch.get(*number)).map(|source| source.name().to_owned()),
        );
        total += &report;
    }
    transform.apply_due_lookups().await;
    bar.finish_and_clear();
    let code = if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    let report = json!({
        "objects": total.objects,
        "objects_skipped": listed - sources.len(),
        "records_in": total.lines,
        "new": total.new,
        "duplicates": total.duplicates,
        "erased": total.erased,
        "rejected": total.rejected,
        "commits": total.commits,
        "conflicts": total.conflicts,
        "bytes_written": total.bytes_written,
        "lookups_deferred": total.lookups_deferred,
        "failed": failed,
    });
    output::report(json, &report)?;
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_line_of_its_own() {
        let names =
            ["raw/a.gz", "raw/a\nraw/b.gz", "raw/a\\nb", "\"raw/a\\nraw/b.gz\"", "\r", "\"", "a\u{85}b", "5", "null"];
        let lines: HashSet<String> = names.iter().map(|name| line_of(name)).collect();
        assert_eq!(lines.len(), names.len());
        for name in names {
            let line = line_of(name);
            assert_eq!(line.lines().collect::<Vec<_>>(), [line.as_str()]);
            assert_eq!(name_in(line), name);
        }
    }
}
