//! Reads the list of erasures and its secret from the lake.
//!
//! The secret is either the operator's own ([`crate::LakeOptions::erasure_key`]) or a random one in `erasures/key`. The
//! operator's is better: with the lake's own, read access to the lake is enough to try all phone numbers against the
//! list. The secret must never change: hashes of another secret match no person, so a list made with another secret is
//! refused.

use object_store::path::Path;
use object_store::{ObjectStoreExt, PutMode, PutOptions};

use super::list::{Entry, EntryList, list_path};
use super::matching::Erasures;
use crate::error::LakeError;
use crate::lake::Lake;
use crate::metadata::read_record;

fn key_path() -> Path {
    Path::from_iter(["erasures", "key"])
}

impl Lake {
    /// All erased persons.
    ///
    /// # Errors
    /// The store's, or a list that cannot be read: then nothing may be committed.
    pub async fn erasures(&self) -> Result<Erasures, LakeError> {
        let (list, _) = self.read_list().await?;
        self.erasures_of(&list, &list.entries).await
    }

    /// The persons whose erasure is confirmed: no referenced part may hold their rows.
    pub(crate) async fn confirmed_erasures(&self) -> Result<Erasures, LakeError> {
        let (list, _) = self.read_list().await?;
        let confirmed: Vec<Entry> = list.entries.iter().filter(|entry| entry.confirmed).cloned().collect();
        self.erasures_of(&list, &confirmed).await
    }

    /// Some of the list's entries, with the secret that the list was made with. Without entries no secret is read.
    pub(crate) async fn erasures_of(&self, list: &EntryList, entries: &[Entry]) -> Result<Erasures, LakeError> {
        if entries.is_empty() {
            return Ok(Erasures::default());
        }
        let erasures = Erasures::new(self.erasure_key().await?, entries);
        erasures.check_key(list)?;
        Ok(erasures)
    }

    /// The list, and the mode that replaces exactly this version of it.
    pub(crate) async fn read_list(&self) -> Result<(EntryList, PutMode), LakeError> {
        read_record(self, &list_path()).await
    }

    /// The secret: the operator's, or the lake's own.
    pub(crate) async fn erasure_key(&self) -> Result<Vec<u8>, LakeError> {
        if let Some(key) = &self.options.erasure_key {
            return Ok(key.clone().into_bytes());
        }
        let got = self.store.get(&key_path()).await.map_err(|error| match error {
            object_store::Error::NotFound { .. } => LakeError::Damaged {
                object: key_path().to_string(),
                problem: "it is missing, and ERASURE_KEY is not set; restore the file, or set the key of the list"
                    .to_owned(),
            },
            other => other.into(),
        });
        Ok(got?.bytes().await?.to_vec())
    }

    /// The secret, after the lake's own was created if there is none.
    pub(crate) async fn ensure_erasure_key(&self) -> Result<Vec<u8>, LakeError> {
        if self.options.erasure_key.is_none() {
            let (a, b) = (self.environment.random(), self.environment.random());
            let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
            let put = self.store.put_opts(&key_path(), format!("{a:032x}{b:032x}").into(), options).await;
            if let Err(error) = put {
                // Another process may have created it: then that one counts. If there is none, the error stands.
                return match self.erasure_key().await {
                    Err(LakeError::Damaged { .. }) => Err(error.into()),
                    other => other,
                };
            }
        }
        self.erasure_key().await
    }
}
