//! Flattens archived bodies again and writes raw objects of their records.

use std::ops::AddAssign;
use std::sync::Arc;

use bluetick_events::{ArchivedBody, FlattenError, Options, Provider, flatten_lines, unreadable_record};
use bluetick_ingest::raw_lines::raw_lines;
use bluetick_ingest::raw_object::gzip;
use bluetick_lake::{Erasures, Lake, LakeError};
use bluetick_storage::{Location, Profile};
use bluetick_transform::raw::Source;
use object_store::ObjectStoreExt;
use object_store::path::Path;

use super::erased::{Naming, naming, without_erased};
use super::{BoxError, Failed, each_line, fetch, for_each, list, stored_at};

/// What became of the bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reflattened {
    /// Bodies that were read.
    pub(crate) bodies: u64,
    /// Records that were written.
    pub(crate) records: u64,
    /// Raw objects that were written.
    pub(crate) raw_objects: u64,
    /// Bodies that were left out because they name an erased person.
    pub(crate) erased_bodies: u64,
    /// Records of other bodies that were left out because they belong to an erased person.
    pub(crate) erased_records: u64,
    /// Bodies that cannot be parsed. They are written as a whole, as ingest does.
    pub(crate) unreadable: u64,
    /// Bodies that this version refuses as invalid requests.
    pub(crate) refused: u64,
    /// Lines that are no archived body, or of a route that this version does not have.
    pub(crate) unusable_lines: u64,
}

impl AddAssign for Reflattened {
    fn add_assign(&mut self, other: Self) {
        self.bodies += other.bodies;
        self.records += other.records;
        self.raw_objects += other.raw_objects;
        self.erased_bodies += other.erased_bodies;
        self.erased_records += other.erased_records;
        self.unreadable += other.unreadable;
        self.refused += other.refused;
        self.unusable_lines += other.unusable_lines;
    }
}

/// How bodies are flattened again.
pub(crate) struct Reflattening {
    /// The lake whose erased persons are left out.
    pub(crate) lake: Lake,
    /// The options for flattening; those of ingest, so that a record that is in the lake comes out the same.
    pub(crate) options: Options,
    /// Only bodies of these providers; of all if empty.
    pub(crate) providers: Vec<Provider>,
}

impl Reflattening {
    /// Flattens the bodies of the archive at `archive` and writes raw objects under `raw`. The raw object of an object
    /// of the archive has a name of its own, which is the same each time.
    ///
    /// # Errors
    /// A URL cannot be opened or listed, or the list of erasures cannot be read.
    pub(crate) async fn run(self, archive: &str, raw: &str) -> Result<(Reflattened, Failed), BoxError> {
        let erasures = self.lake.erasures().await?;
        let raw = bluetick_storage::open(raw, Profile::BATCH)?;
        let run = Arc::new(Run { reflattening: self, erasures, raw });
        let mut total = Reflattened::default();
        let work = |source| {
            let run = Arc::clone(&run);
            async move { run.object(&source).await }
        };
        let failed = for_each(list(archive).await?, work, |done| total += done).await;
        Ok((total, failed))
    }
}

struct Run {
    reflattening: Reflattening,
    erasures: Erasures,
    raw: Location,
}

impl Run {
    async fn object(&self, source: &Source) -> Result<Reflattened, BoxError> {
        let object = fetch(source).await?;
        let (mut done, mut text, mut problem) = (Reflattened::default(), Vec::new(), None);
        each_line(&object, |line| {
            if let Err(error) = self.line(line, &mut text, &mut done) {
                problem = Some(error);
            }
        })?;
        if let Some(problem) = problem {
            return Err(problem.into());
        }
        if !text.is_empty() {
            let (_, path) = stored_at(source)?;
            let path: Path = self.raw.prefix.parts().chain(path.parts()).collect();
            self.raw.store.put(&path, gzip(&text)?.into()).await?;
            done.raw_objects = 1;
        }
        Ok(done)
    }

    /// Appends the records of one archived body to `text`.
    fn line(&self, line: &[u8], text: &mut Vec<u8>, done: &mut Reflattened) -> Result<(), LakeError> {
        let Reflattening { lake, options, providers } = &self.reflattening;
        let body = match ArchivedBody::parse(line) {
            Ok(body) => body,
            Err(reason) => {
                tracing::warn!(%reason, "a line of the archive cannot be used");
                done.unusable_lines += 1;
                return Ok(());
            }
        };
        if !providers.is_empty() && !providers.contains(&body.route.provider()) {
            return Ok(());
        }
        done.bodies += 1;
        let naming = naming(&self.erasures, &body);
        if naming == Naming::Covered {
            done.erased_bodies += 1;
            return Ok(());
        }
        let lines = match flatten_lines(body.route, &body.body, body.received_at, options) {
            Ok(flattened) => flattened.lines,
            Err(FlattenError::Unreadable(reason)) => {
                done.unreadable += 1;
                let record = unreadable_record(body.route.provider(), &body.body, body.received_at, options, &reason);
                [&record].into_iter().collect()
            }
            Err(FlattenError::Request(reason)) => {
                tracing::warn!(route = body.route.path(), %reason, "an archived request is refused by this version");
                done.refused += 1;
                return Ok(());
            }
        };
        let records = lines.len() as u64;
        let lines = raw_lines(lines, body.received_at).text;
        let (kept, left_out) = match naming {
            Naming::Later => without_erased(lake, &self.erasures, &lines)?,
            Naming::Nobody | Naming::Covered => (lines, 0),
        };
        done.erased_records += left_out;
        done.records += records - left_out;
        text.extend_from_slice(&kept);
        Ok(())
    }
}
