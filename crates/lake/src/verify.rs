//! Verification: reads the whole lake and reports violated invariants.

use std::collections::{BTreeMap, HashSet};
use std::panic::AssertUnwindSafe;

use arrow::row::OwnedRow;
use futures::FutureExt;
use parquet::errors::ParquetError;

use crate::columns::{conform, event_times};
use crate::digest::{RowDigest, row_digest};
use crate::erasure::Erasures;
use crate::error::LakeError;
use crate::invariants::Invariant;
use crate::keys::RowEncoder;
use crate::lake::Lake;
use crate::manifest::read_manifest;
use crate::part::Part;
use crate::partition::Partition;
use crate::sweep::created_at_ms;

/// A violated invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The violated invariant.
    pub invariant: Invariant,
    /// Path of the affected object inside the lake.
    pub object: String,
    /// What is wrong. Contains no values of rows.
    pub detail: String,
}

/// Result of a verification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Violated invariants; empty if the lake is valid.
    pub problems: Vec<Problem>,
    /// Keys under `data/` that the lake cannot use and never writes, such as `data//x`. They do no harm. Such keys under
    /// `manifest/` are problems.
    pub ignored: Vec<String>,
    /// Number of manifests read.
    pub partitions: u64,
    /// Number of parts that the manifests reference.
    pub parts: u64,
    /// Number of rows read.
    pub rows: u64,
    /// Total bytes of the parts.
    pub bytes: u64,
}

impl VerifyReport {
    fn add(&mut self, invariant: Invariant, object: &str, detail: String) {
        self.problems.push(Problem { invariant, object: object.to_owned(), detail });
    }
}

impl Lake {
    /// Reads every manifest and every referenced part. Memory holds the keys of one partition at a time. If a part is
    /// missing, its partition is read again, because a commit may have replaced the part meanwhile.
    ///
    /// # Errors
    /// The store failed. Problems of the lake itself are listed in the report.
    pub async fn verify(&self) -> Result<VerifyReport, LakeError> {
        let mut report = VerifyReport::default();
        let confirmed = match self.confirmed_erasures().await {
            Err(LakeError::Damaged { object, problem }) => {
                report.add(Invariant::ErasedRowsAreAbsent, &object, problem);
                Erasures::default()
            }
            other => other?,
        };
        self.take_ignored();
        self.find_lost_manifests(&mut report).await?;
        let (partitions, strays) = self.list_manifests(None).await?;
        let ignored = self.take_ignored().into_iter();
        let (unreadable, harmless): (Vec<_>, _) = ignored.partition(|key| key.starts_with("manifest/"));
        report.ignored = harmless;
        for stray in strays.iter().map(ToString::to_string).chain(unreadable) {
            let detail = "readers take it for another manifest, and see rows twice; delete it".to_owned();
            report.add(Invariant::ManifestsAreSound, &stray, detail);
        }
        for partition in partitions {
            let mut attempts = 0;
            let found = loop {
                attempts += 1;
                let found = self.verify_partition(partition, &confirmed).await?;
                let missing = found.problems.iter().any(|p| p.invariant == Invariant::ReferencedPartsExist);
                if !missing || attempts >= 3 {
                    break found;
                }
            };
            report.problems.extend(found.problems);
            report.partitions += 1;
            report.parts += found.parts;
            report.rows += found.rows;
            report.bytes += found.bytes;
        }
        Ok(report)
    }

    /// Reports partitions that have parts but no manifest, or an empty one. Young parts are ignored: they may belong
    /// to a commit that is about to create the manifest.
    async fn find_lost_manifests(&self, report: &mut VerifyReport) -> Result<(), LakeError> {
        let mut parts: BTreeMap<Partition, u64> = BTreeMap::new();
        for (partition, _, part) in self.list_parts(None).await? {
            let age_ms = self.environment.now_ms().saturating_sub(created_at_ms(&part));
            *parts.entry(partition).or_default() += u64::from(age_ms > self.confirmation_delay_ms());
        }
        for (partition, count) in parts.into_iter().filter(|(_, count)| *count > 0) {
            match read_manifest(&*self.store, &self.base_uri, partition).await {
                Ok(manifest) if manifest.parts.is_empty() => {
                    let detail =
                        format!("it is missing or empty, but the partition has {count} parts; run `bluetick repair`");
                    report.add(Invariant::ManifestsExist, partition.manifest_path().as_ref(), detail);
                }
                Ok(_) | Err(LakeError::Damaged { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn verify_partition(&self, partition: Partition, confirmed: &Erasures) -> Result<VerifyReport, LakeError> {
        let mut report = VerifyReport::default();
        let manifest = match read_manifest(&*self.store, &self.base_uri, partition).await {
            Err(LakeError::Damaged { object, problem }) => {
                report.add(Invariant::ManifestsAreSound, &object, problem);
                return Ok(report);
            }
            other => other?,
        };
        let mut keys = HashSet::new();
        for name in &manifest.parts {
            let path = partition.part_path(name);
            let checked = async {
                let part = Part::open(&*self.store, partition, name).await?;
                self.verify_part(partition, &part, confirmed, &mut keys, &mut report).await
            };
            // The Parquet library panics on some damaged bytes instead of returning an error.
            let checked = AssertUnwindSafe(checked).catch_unwind().await.unwrap_or_else(|_| {
                Err(LakeError::Parquet(ParquetError::General("the Parquet library panicked".to_owned())))
            });
            match checked {
                Ok(()) => {}
                Err(error) if LakeError::is_not_found(&error) => {
                    report.add(Invariant::ReferencedPartsExist, path.as_ref(), "it does not exist".to_owned());
                }
                Err(LakeError::Damaged { object, problem }) => {
                    report.add(Invariant::PartsAreIntact, &object, problem);
                }
                Err(error @ (LakeError::Parquet(_) | LakeError::Arrow(_))) => {
                    report.add(Invariant::PartsAreIntact, path.as_ref(), format!("it cannot be read: {error}"));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(report)
    }

    async fn verify_part(
        &self,
        partition: Partition,
        part: &Part,
        confirmed: &Erasures,
        keys: &mut HashSet<RowDigest>,
        report: &mut VerifyReport,
    ) -> Result<(), LakeError> {
        report.parts += 1;
        report.bytes += part.bytes;
        part.check_digest(&*self.store).await?;
        let (key_encoder, order_encoder) = (RowEncoder::key(partition.table)?, RowEncoder::order(partition.table)?);
        let (first, last) = partition.time_range();
        let (mut rows, mut duplicates, mut unsorted, mut misplaced, mut outside) = (0u64, 0u64, 0u64, 0u64, 0u64);
        let mut erased = 0u64;
        let mut previous: Option<OwnedRow> = None;
        for (number, group) in part.groups.iter().enumerate() {
            let mut reader = part.read_group(&*self.store, number, None).await?;
            let mut group_rows = 0;
            while let Some(batch) = reader.next_batch()? {
                let batch = conform(partition.table, &batch)?;
                group_rows += batch.num_rows() as u64;
                for time in event_times(&batch)? {
                    misplaced += u64::from(*time < first || *time > last);
                    outside += u64::from(*time < group.first_event_ts || *time > group.last_event_ts);
                }
                erased +=
                    confirmed.matches(partition.table, &batch)?.into_iter().filter(|erased| *erased).count() as u64;
                let order = order_encoder.encode(&batch)?;
                let before = previous.iter().map(OwnedRow::row).chain(&order);
                unsorted +=
                    before.zip(order.iter().skip(usize::from(previous.is_none()))).filter(|(a, b)| a > b).count()
                        as u64;
                previous = order.iter().last().map(|row| row.owned());
                for key in &key_encoder.encode(&batch)? {
                    duplicates += u64::from(!keys.insert(row_digest(key.data())));
                }
            }
            rows += group_rows;
            if group_rows != group.rows {
                let detail = format!("row group {number} says {} rows and has {group_rows}", group.rows);
                report.add(Invariant::RowsAddUp, part.path.as_ref(), detail);
            }
        }
        report.rows += rows;
        let mut check = |count: u64, invariant: Invariant, what: &str| {
            if count > 0 {
                report.add(invariant, part.path.as_ref(), format!("{count} of {rows} rows {what}"));
            }
        };
        check(erased, Invariant::ErasedRowsAreAbsent, "are of erased persons");
        check(duplicates, Invariant::RowsAreUnique, "repeat a key of the partition");
        check(unsorted, Invariant::RowsAreSorted, "are out of order");
        check(misplaced, Invariant::RowsFitTheirDate, "belong to another date");
        check(outside, Invariant::RowsFitTheirDate, "lie outside the times that their row group states");
        Ok(())
    }
}
