//! The archive of bodies: reads its objects, flattens the bodies again, and removes those that name erased persons.

mod erased;
pub(crate) mod erasing;
pub(crate) mod reflattening;

use std::collections::VecDeque;
use std::error::Error;
use std::sync::Arc;

use bluetick_transform::lines::{LineReader, LineSink};
use bluetick_transform::raw::{self, Source};
use object_store::ObjectStore;
use object_store::path::Path;
use tokio::task::JoinSet;

use crate::commands::require_directory;
use crate::output;

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// Number of objects that are worked on at the same time. Each is in memory, compressed: at most 128 MB of bodies.
const OBJECTS_AT_ONCE: usize = 8;

/// Lists the objects of the archive at `url`, ordered by path.
pub(crate) async fn list(url: &str) -> Result<Vec<Source>, BoxError> {
    require_directory(url)?;
    let objects = raw::list(url).await?;
    if objects.is_empty() {
        tracing::warn!(url, "the archive has no object");
    }
    Ok(objects)
}

/// Fetches an object as it is stored, compressed.
pub(crate) async fn fetch(source: &Source) -> Result<Vec<u8>, BoxError> {
    Ok(source.read().await?.bytes().await?)
}

/// The store that holds an object of the archive, and the object's path in it.
///
/// # Errors
/// The object's key has no path. Neither Firehose nor ingest writes such keys.
pub(crate) fn stored_at(source: &Source) -> Result<(&Arc<dyn ObjectStore>, &Path), BoxError> {
    source.stored_at().ok_or_else(|| "the key is none that Bluetick writes: copy the object to another key".into())
}

/// Passes each line of a fetched object to `each`.
///
/// # Errors
/// The object is damaged, or a line is longer than any that ingest writes.
pub(crate) fn each_line(object: &[u8], each: impl FnMut(&[u8])) -> Result<(), BoxError> {
    let mut lines = Lines { each, has_overlong: false };
    let mut reader = LineReader::default();
    for piece in object.chunks(4 * 1024) {
        reader.push(piece, &mut lines)?;
    }
    reader.finish(&mut lines)?;
    if lines.has_overlong { Err("a line is too long to be an archived body".into()) } else { Ok(()) }
}

struct Lines<F> {
    each: F,
    has_overlong: bool,
}

impl<F: FnMut(&[u8])> LineSink for Lines<F> {
    fn line(&mut self, line: &[u8]) {
        (self.each)(line);
    }

    fn overlong(&mut self, _: &[u8]) {
        self.has_overlong = true;
    }
}

/// The paths of objects that failed, each with the reason.
pub(crate) type Failed = Vec<String>;

/// Works on all objects, several at a time, and adds the results up. An object that fails does not stop the others.
pub(crate) async fn for_each<R, F>(
    objects: Vec<Source>,
    mut work: impl FnMut(Source) -> F,
    mut add: impl FnMut(R),
) -> Failed
where
    R: Send + 'static,
    F: Future<Output = Result<R, BoxError>> + Send + 'static,
{
    let bar = output::progress_bar(objects.len() as u64, "objects of the archive");
    let (mut waiting, mut running, mut failed) = (VecDeque::from(objects), JoinSet::new(), Failed::new());
    loop {
        while running.len() < OBJECTS_AT_ONCE
            && let Some(source) = waiting.pop_front()
        {
            let path = source.name().to_owned();
            let result = work(source);
            running.spawn(async move { (path, result.await) });
        }
        match running.join_next().await {
            Some(Ok((_, Ok(result)))) => add(result),
            Some(Ok((path, Err(error)))) => failed.push(format!("{path}: {error}")),
            Some(Err(error)) => failed.push(error.to_string()),
            None => break,
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    failed.sort();
    failed
}
