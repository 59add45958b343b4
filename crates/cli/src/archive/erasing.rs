//! Removes the bodies of erased persons from the archive.

use std::ops::AddAssign;
use std::sync::Arc;

use bluetick_ingest::raw_object::gzip;
use bluetick_lake::{Erasures, Lake};
use bluetick_transform::raw::Source;
use object_store::ObjectStoreExt;

use super::{BoxError, each_line, erased, fetch, for_each, list, stored_at};

/// What was removed from the archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Removed {
    /// Bodies that named an erased person.
    pub(crate) bodies: u64,
    /// Objects that were written again without these bodies.
    pub(crate) rewritten: u64,
    /// Objects that held nothing else.
    pub(crate) deleted: u64,
}

impl AddAssign for Removed {
    fn add_assign(&mut self, other: Self) {
        self.bodies += other.bodies;
        self.rewritten += other.rewritten;
        self.deleted += other.deleted;
    }
}

/// Removes the bodies of all persons in the lake's list of erasures from the archive at `url`. A body is removed as a
/// whole, also if it names other persons. Bodies that Firehose delivers later are not seen.
///
/// # Errors
/// An object could not be searched or changed. The others are done; the call can be repeated.
pub(crate) async fn erase(lake: Lake, url: &str) -> Result<Removed, BoxError> {
    let lake = Arc::new(lake);
    let mut total = Removed::default();
    loop {
        let erasures = Arc::new(lake.erasures().await?);
        if erasures.is_empty() {
            return Ok(total);
        }
        let remove = |source| {
            let (lake, erasures) = (Arc::clone(&lake), Arc::clone(&erasures));
            async move { remove_from(&lake, &erasures, &source).await }
        };
        let failed = for_each(list(url).await?, remove, |removed| total += removed).await;
        if !failed.is_empty() {
            return Err(
                format!("{} objects of the archive could not be erased: {}", failed.len(), failed.join("; ")).into()
            );
        }
        // Another process may have written an object again that a process with a newer list had changed. The newer
        // list is known by now, so another pass repairs it.
        if lake.erasures().await? == *erasures {
            return Ok(total);
        }
    }
}

async fn remove_from(lake: &Lake, erasures: &Erasures, source: &Source) -> Result<Removed, BoxError> {
    let object = fetch(source).await?;
    let mut bodies = 0;
    let mut problem = None;
    let mut judge = |line: &[u8]| {
        erased::must_go(lake, erasures, line).unwrap_or_else(|error| {
            problem = Some(error);
            false
        })
    };
    each_line(&object, |line| bodies += u64::from(judge(line)))?;
    let mut kept = Vec::new();
    if bodies > 0 {
        each_line(&object, |line| {
            if !judge(line) {
                kept.extend_from_slice(line);
                kept.push(b'\n');
            }
        })?;
    }
    if let Some(problem) = problem {
        return Err(problem.into());
    }
    let (store, path) = stored_at(source)?;
    match (bodies, kept.is_empty()) {
        (0, _) => Ok(Removed::default()),
        (_, true) => {
            store.delete(path).await?;
            Ok(Removed { bodies, deleted: 1, rewritten: 0 })
        }
        (_, false) => {
            store.put(path, gzip(&kept)?.into()).await?;
            Ok(Removed { bodies, deleted: 0, rewritten: 1 })
        }
    }
}
