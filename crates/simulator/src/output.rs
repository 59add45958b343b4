//! Destinations of a simulation: a directory, or memory.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use crate::options::SimulatedProvider;

/// A signed webhook request, ready to be posted. Serialised as JSON it is one line of `requests.ndjson`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Request {
    /// Time of arrival in milliseconds since 1970, UTC.
    pub received_at: i64,
    /// HTTP method; always `POST`.
    pub method: &'static str,
    /// Path of the provider's route, such as `/webhooks/meta`.
    pub path: String,
    /// Content type and signature.
    pub headers: BTreeMap<String, String>,
    /// The request body. The signature covers its UTF-8 bytes.
    pub body: String,
    /// The provider that sends the request.
    #[serde(skip)]
    pub provider: SimulatedProvider,
}

/// Receives the results of a simulation: all requests, then the truth.
pub trait Output {
    /// Receives the next request, in the order of arrival.
    ///
    /// # Errors
    /// Writing failed.
    fn request(&mut self, request: &Request) -> io::Result<()>;

    /// Receives the truth, once, after the last request.
    ///
    /// # Errors
    /// Writing failed.
    fn truth(&mut self, truth: &Value) -> io::Result<()>;
}

/// Collects a simulation in memory.
#[derive(Debug, Default)]
pub struct MemoryOutput {
    /// All requests, in the order of arrival.
    pub requests: Vec<Request>,
    /// The truth; `null` until the simulation has finished.
    pub truth: Value,
}

impl Output for MemoryOutput {
    fn request(&mut self, request: &Request) -> io::Result<()> {
        self.requests.push(request.clone());
        Ok(())
    }

    fn truth(&mut self, truth: &Value) -> io::Result<()> {
        self.truth = truth.clone();
        Ok(())
    }
}

/// Writes `requests.ndjson` and `truth.json`, and optionally each body as `bodies/<provider>/<number>.json`.
#[derive(Debug)]
pub struct DirectoryOutput {
    directory: PathBuf,
    requests: BufWriter<File>,
    bodies: Option<BTreeMap<SimulatedProvider, u64>>,
}

impl DirectoryOutput {
    /// Creates the directory if it is missing. Existing files of the same names are overwritten.
    ///
    /// # Errors
    /// The directory or `requests.ndjson` cannot be created.
    pub fn create(directory: &Path, bodies: bool) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let requests = BufWriter::new(File::create(directory.join("requests.ndjson"))?);
        Ok(DirectoryOutput { directory: directory.to_owned(), requests, bodies: bodies.then(BTreeMap::new) })
    }
}

impl Output for DirectoryOutput {
    fn request(&mut self, request: &Request) -> io::Result<()> {
        serde_json::to_writer(&mut self.requests, request)?;
        self.requests.write_all(b"\n")?;
        let Some(counts) = &mut self.bodies else { return Ok(()) };
        let count = counts.entry(request.provider).or_default();
        *count += 1;
        let folder = self.directory.join("bodies").join(request.provider.name());
        if *count == 1 {
            fs::create_dir_all(&folder)?;
        }
        fs::write(folder.join(format!("{count:06}.json")), &request.body)
    }

    fn truth(&mut self, truth: &Value) -> io::Result<()> {
        self.requests.flush()?;
        let mut file = BufWriter::new(File::create(self.directory.join("truth.json"))?);
        serde_json::to_writer(&mut file, truth)?;
        file.write_all(b"\n")?;
        file.flush()
    }
}
