//! A directory as sink: gzip NDJSON objects, as Firehose would leave them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::{Mutex as AsyncMutex, oneshot};

use crate::clock;

/// Compresses lines as one gzip member.
///
/// # Errors
/// None in practice: memory is the target.
pub fn gzip(lines: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(lines.len() / 4), Compression::fast());
    encoder.write_all(lines)?;
    encoder.finish()
}

/// What waits to be written, and who waits for it.
#[derive(Default)]
struct Pending {
    lines: Vec<u8>,
    waiters: Vec<oneshot::Sender<Result<(), Arc<std::io::Error>>>>,
}

/// A directory of raw objects.
///
/// Whoever comes while an object is being written shares the next one: under load an object holds many webhooks, and each
/// webhook is answered when the object that holds it is on disk.
pub struct FileSink {
    directory: PathBuf,
    now: fn() -> i64,
    pending: Mutex<Pending>,
    turn: AsyncMutex<()>,
}

impl FileSink {
    /// A sink at `directory`, which is made if it does not exist; `now` gives milliseconds since 1970, UTC.
    ///
    /// # Errors
    /// The directory cannot be made.
    pub fn new(directory: &Path, now: fn() -> i64) -> std::io::Result<Self> {
        std::fs::create_dir_all(directory)?;
        Ok(Self { directory: directory.to_owned(), now, pending: Mutex::default(), turn: AsyncMutex::default() })
    }

    /// Writes whole lines; returns once they are on disk.
    ///
    /// # Errors
    /// The object that should hold them could not be written.
    pub async fn put(&self, lines: &[u8]) -> Result<(), Arc<std::io::Error>> {
        let (written, mut outcome) = oneshot::channel();
        {
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            pending.lines.extend_from_slice(lines);
            pending.waiters.push(written);
        }
        let _turn = self.turn.lock().await;
        match outcome.try_recv() {
            Ok(outcome) => return outcome,
            // Whoever wrote our lines went away half-way: what became of them is unknown, so the sender must retry.
            Err(oneshot::error::TryRecvError::Closed) => {
                return Err(Arc::new(std::io::Error::other("the write was abandoned")));
            }
            Err(oneshot::error::TryRecvError::Empty) => {}
        }
        let Pending { lines, waiters } =
            std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        let path = self.directory.join(clock::object_name((self.now)()));
        let result = tokio::task::spawn_blocking(move || write_object(&path, &lines))
            .await
            .unwrap_or_else(|error| Err(std::io::Error::other(error)))
            .map_err(Arc::new);
        for waiter in waiters {
            // One who went away wants no answer; the lines are written all the same.
            let _ = waiter.send(result.clone());
        }
        result
    }
}

/// Writes under a hidden name first: a reader never sees half an object.
fn write_object(path: &Path, lines: &[u8]) -> std::io::Result<()> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(std::io::Error::other("an object needs a directory and a name"));
    };
    std::fs::create_dir_all(directory)?;
    let hidden = directory.join(format!(".{}", name.to_string_lossy()));
    let mut file = std::fs::File::create(&hidden)?;
    file.write_all(&gzip(lines)?)?;
    file.sync_all()?;
    std::fs::rename(&hidden, path)?;
    std::fs::File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn read_all(directory: &Path) -> (usize, String) {
        let (mut objects, mut text) = (0, String::new());
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                let (below, lines) = read_all(&path);
                objects += below;
                text.push_str(&lines);
            } else {
                assert!(!path.file_name().unwrap().to_str().unwrap().starts_with('.'));
                objects += 1;
                flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
            }
        }
        (objects, text)
    }

    #[tokio::test]
    async fn concurrent_puts_share_objects_and_lose_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let sink = Arc::new(FileSink::new(directory.path(), || 1_700_000_000_000).unwrap());
        let mut puts = tokio::task::JoinSet::new();
        for number in 0..200 {
            let sink = Arc::clone(&sink);
            puts.spawn(async move { sink.put(format!("{number}\n").as_bytes()).await });
        }
        while let Some(result) = puts.join_next().await {
            result.unwrap().unwrap();
        }
        let (objects, text) = read_all(directory.path());
        let mut numbers: Vec<u32> = text.lines().map(|line| line.parse().unwrap()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..200).collect::<Vec<_>>());
        assert!(objects < 200, "{objects} objects");
        assert!(directory.path().join("2023/11/14/22").is_dir());
    }

    #[tokio::test]
    async fn everybody_hears_of_a_failure() {
        let directory = tempfile::tempdir().unwrap();
        let sink = FileSink::new(&directory.path().join("raw"), || 0).unwrap();
        std::fs::remove_dir(directory.path().join("raw")).unwrap();
        std::fs::write(directory.path().join("raw"), "in the way").unwrap();
        assert!(sink.put(b"line\n").await.is_err());
    }
}
