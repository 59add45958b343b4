//! The file sink: a local directory with raw objects in the form in which Firehose would write them to S3.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::durable::DurableDirectory;
use crate::raw_object::{gzip, object_name};

/// The result of writing an object, shared by all webhooks in it.
type Written = Result<(), Arc<std::io::Error>>;

/// Lines to be written, and the requests that wait for them.
#[derive(Default)]
struct Pending {
    lines: Vec<u8>,
    /// Time of receipt of the latest of these lines, in milliseconds since 1970, UTC.
    received_at: i64,
    waiters: Vec<oneshot::Sender<Written>>,
    /// Whether a task is writing objects.
    has_writer: bool,
}

/// A sink that writes raw objects to a local directory.
///
/// Webhooks that arrive while an object is being written share the next object. Each webhook is answered once its
/// object is on disk. A separate task writes the objects, so a client that disconnects does not stop a write that
/// others wait for.
pub struct FileSink {
    shared: Arc<Shared>,
}

struct Shared {
    directory: DurableDirectory,
    pending: Mutex<Pending>,
}

impl FileSink {
    /// A sink at `directory`, which is created if it does not exist.
    ///
    /// # Errors
    /// The directory cannot be created.
    pub fn new(directory: &Path) -> std::io::Result<Self> {
        let directory = DurableDirectory::create(directory)?;
        Ok(Self { shared: Arc::new(Shared { directory, pending: Mutex::default() }) })
    }

    /// Writes whole lines. Returns once they are on disk. The folder's name is derived from `received_at`, in
    /// milliseconds since 1970, UTC.
    ///
    /// # Errors
    /// The object could not be written.
    pub async fn put(&self, lines: &[u8], received_at: i64) -> Written {
        let (written, outcome) = oneshot::channel();
        let needs_writer = {
            let mut pending = self.shared.pending();
            pending.lines.extend_from_slice(lines);
            pending.received_at = received_at;
            pending.waiters.push(written);
            !std::mem::replace(&mut pending.has_writer, true)
        };
        if needs_writer {
            tokio::spawn(write_pending(Arc::clone(&self.shared)));
        }
        // The writer task is dropped only when the process ends.
        outcome.await.unwrap_or_else(|_| Err(Arc::new(std::io::Error::other("the process is ending"))))
    }
}

impl Shared {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next lines to write. `None` if there are none; the writer task then ends.
    fn next(&self) -> Option<Pending> {
        let mut pending = self.pending();
        if pending.waiters.is_empty() {
            pending.has_writer = false;
            return None;
        }
        Some(std::mem::replace(&mut pending, Pending { has_writer: true, ..Pending::default() }))
    }
}

/// Writes objects until no more lines are pending.
async fn write_pending(shared: Arc<Shared>) {
    while let Some(Pending { lines, received_at, waiters, .. }) = shared.next() {
        let blocking = Arc::clone(&shared);
        let write = move || blocking.directory.write(&object_name(received_at), &gzip(&lines)?);
        let written = tokio::task::spawn_blocking(write)
            .await
            .unwrap_or_else(|error| Err(std::io::Error::other(error)))
            .map_err(Arc::new);
        for waiter in waiters {
            // An error means that the request was dropped. Its lines are written anyway.
            let _ = waiter.send(written.clone());
        }
    }
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

    #[tokio::test]
    async fn a_dropped_request_does_not_fail_its_neighbours() {
        let directory = tempfile::tempdir().unwrap();
        let sink = Arc::new(FileSink::new(directory.path()).unwrap());
        let mut answered = 0;
        for round in 0..40 {
            let puts: Vec<_> = (0..8)
                .map(|number| {
                    let sink = Arc::clone(&sink);
                    tokio::spawn(async move { sink.put(format!("{round}-{number}\n").as_bytes(), 0).await })
                })
                .collect();
            // The first put writes alone; the others share the next object.
            while !puts.iter().any(|put| put.is_finished()) {
                tokio::task::yield_now().await;
            }
            tokio::task::yield_now().await;
            puts[1].abort();
            for (number, put) in puts.into_iter().enumerate() {
                match put.await {
                    Ok(written) => {
                        assert!(written.is_ok(), "round {round}: put {number} failed: {written:?}");
                        answered += 1;
                    }
                    Err(aborted) => assert!(number == 1 && aborted.is_cancelled()),
                }
            }
        }
        assert!(answered >= 40 * 7);
        assert!(read_all(directory.path()).1.lines().count() >= answered);
    }
}
