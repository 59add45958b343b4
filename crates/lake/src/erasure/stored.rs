//! Reads the list of erasures and its secret from the lake.
//!
//! The secret is either set by the operator ([`crate::LakeOptions::erasure_key`]) or a random one in the object
//! `erasures/key`. An operator's secret is safer: with a secret inside the lake, read access to the lake is enough to
//! test all phone numbers against the list. The secret must never change. Hashes of another secret match no person,
//! so a list made with another secret is rejected.

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
    /// Reads all erased persons.
    ///
    /// # Errors
    /// The store failed, or the list cannot be parsed. Nothing may be committed then.
    pub async fn erasures(&self) -> Result<Erasures, LakeError> {
        let (list, _) = self.read_list().await?;
        self.erasures_of(&list, &list.entries).await
    }

    /// The persons whose erasure is confirmed. No referenced part may contain their rows.
    pub(crate) async fn confirmed_erasures(&self) -> Result<Erasures, LakeError> {
        let (list, _) = self.read_list().await?;
        let confirmed: Vec<Entry> = list.entries.iter().filter(|entry| entry.confirmed).cloned().collect();
        self.erasures_of(&list, &confirmed).await
    }

    /// Builds [`Erasures`] from some entries of the list, with the list's secret. Without entries the secret is not
    /// read.
    pub(crate) async fn erasures_of(&self, list: &EntryList, entries: &[Entry]) -> Result<Erasures, LakeError> {
        if entries.is_empty() {
            return Ok(Erasures::default());
        }
        let erasures = Erasures::new(self.erasure_key().await?, entries);
        erasures.check_key(list)?;
        Ok(erasures)
    }

    /// Reads the list. Also returns the write mode that replaces exactly this version.
    pub(crate) async fn read_list(&self) -> Result<(EntryList, PutMode), LakeError> {
        read_record(self, &list_path()).await
    }

    /// Returns the operator's secret, or else the lake's own.
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

    /// As [`Self::erasure_key`], but creates the lake's own secret if there is none.
    pub(crate) async fn ensure_erasure_key(&self) -> Result<Vec<u8>, LakeError> {
        if self.options.erasure_key.is_none() {
            let (a, b) = (self.environment.random(), self.environment.random());
            let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
            let put = self.store.put_opts(&key_path(), format!("{a:032x}{b:032x}").into(), options).await;
            if let Err(error) = put {
                // Another process may have created the secret concurrently; then use that one. If there is still
                // none, return the write error.
                return match self.erasure_key().await {
                    Err(LakeError::Damaged { .. }) => Err(error.into()),
                    other => other,
                };
            }
        }
        self.erasure_key().await
    }
}
