//! A directory as sink. It holds raw objects as Firehose would write them to S3.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, oneshot};

use crate::raw_object::{gzip, object_name};

/// Lines to be written, and the requests that wait for them.
#[derive(Default)]
struct Pending {
    lines: Vec<u8>,
    waiters: Vec<oneshot::Sender<Result<(), Arc<std::io::Error>>>>,
}

/// A directory of raw objects.
///
/// Webhooks that arrive while an object is being written share the next object. Each webhook is answered once its object is on disk.
pub struct FileSink {
    directory: PathBuf,
    pending: Mutex<Pending>,
    turn: AsyncMutex<()>,
}

impl FileSink {
    /// A sink at `directory`, which is created if it does not exist.
    ///
    /// # Errors
    /// The directory cannot be created.
    pub fn new(directory: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(directory)?;
        Ok(Self { directory: directory.to_owned(), pending: Mutex::default(), turn: AsyncMutex::default() })
    }

    /// Writes whole lines; returns once they are on disk. `received_at` is in milliseconds since 1970, UTC, and names the folder.
    ///
    /// # Errors
    /// The object could not be written.
    pub async fn put(&self, lines: &[u8], received_at: i64) -> Result<(), Arc<std::io::Error>> {
        let (written, mut outcome) = oneshot::channel();
        {
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            pending.lines.extend_from_slice(lines);
            pending.waiters.push(written);
        }
        let _turn = self.turn.lock().await;
        match outcome.try_recv() {
            Ok(outcome) => return outcome,
            // The request that wrote our lines was dropped half-way. Whether they are on disk is unknown, so the sender must retry.
            Err(oneshot::error::TryRecvError::Closed) => {
                return Err(Arc::new(std::io::Error::other("the write was abandoned")));
            }
            Err(oneshot::error::TryRecvError::Empty) => {}
        }
        let Pending { lines, waiters } =
            std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        let path = self.directory.join(object_name(received_at));
        let result = tokio::task::spawn_blocking(move || write_object(&path, &lines))
            .await
            .unwrap_or_else(|error| Err(std::io::Error::other(error)))
            .map_err(Arc::new);
        for waiter in waiters {
            // A request that was dropped waits for no result.
            let _ = waiter.send(result.clone());
        }
        result
    }
}

/// Writes under a hidden name and renames the file, so that readers never see half an object.
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
        let sink = Arc::new(FileSink::new(directory.path()).unwrap());
        let mut puts = tokio::task::JoinSet::new();
        for number in 0..200 {
            let sink = Arc::clone(&sink);
            puts.spawn(async move { sink.put(format!("{number}\n").as_bytes(), 1_700_000_000_000).await });
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
    async fn an_object_that_cannot_be_written_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let sink = FileSink::new(&directory.path().join("raw")).unwrap();
        std::fs::remove_dir(directory.path().join("raw")).unwrap();
        std::fs::write(directory.path().join("raw"), "in the way").unwrap();
        assert!(sink.put(b"line\n", 0).await.is_err());
    }
}
