//! Reads the lake: lists manifests and reads the parts that they reference.

use arrow::array::RecordBatch;
use futures::TryStreamExt;
use object_store::path::Path;

use crate::columns::conform;
use crate::error::LakeError;
use crate::lake::Lake;
use crate::manifest::read_manifest;
use crate::partition::{MANIFEST_FILE, Partition};
use crate::tables::Table;

impl Lake {
    /// Lists the partitions that have a manifest, sorted, of one table or of all.
    ///
    /// # Errors
    /// The store failed.
    pub async fn partitions(&self, table: Option<Table>) -> Result<Vec<Partition>, LakeError> {
        Ok(self.list_manifests(table).await?.0)
    }

    /// As [`Lake::partitions`]; also returns the paths of unexpected objects under `manifest/`.
    pub(crate) async fn list_manifests(&self, table: Option<Table>) -> Result<(Vec<Partition>, Vec<Path>), LakeError> {
        let prefix = match table {
            None => Path::from("manifest"),
            Some(table) => Path::from_iter(["manifest", table.name()]),
        };
        let paths: Vec<Path> = self.store.list(Some(&prefix)).map_ok(|meta| meta.location).try_collect().await?;
        let (mut partitions, mut unexpected) = (Vec::new(), Vec::new());
        for path in paths {
            match Partition::parse_path("manifest", path.as_ref()) {
                Some((partition, MANIFEST_FILE)) => partitions.push(partition),
                _ => unexpected.push(path),
            }
        }
        partitions.sort_unstable();
        Ok((partitions, unexpected))
    }

    /// Reads all rows of a partition into memory. For tests and small lakes.
    ///
    /// # Errors
    /// The store failed, or a manifest or part is damaged.
    pub async fn read_partition(&self, partition: Partition) -> Result<Vec<RecordBatch>, LakeError> {
        let manifest = read_manifest(&*self.store, &self.base_uri, partition).await?;
        let mut batches = Vec::new();
        for part in self.open_parts(partition, &manifest.parts).await? {
            for group in 0..part.groups.len() {
                let mut reader = part.read_group(&*self.store, group, None).await?;
                while let Some(batch) = reader.next_batch()? {
                    batches.push(conform(partition.table, &batch)?);
                }
            }
        }
        Ok(batches)
    }

    /// Passes the rows of a partition to a visitor, batch by batch. The batches hold those of the named columns that
    /// the part has. Memory holds one row group at a time.
    ///
    /// # Errors
    /// The store failed, or a manifest or part is damaged. The visitor may already have received some batches.
    pub async fn scan_partition(
        &self,
        partition: Partition,
        columns: &[&str],
        visit: &mut (dyn FnMut(&RecordBatch) + Send),
    ) -> Result<(), LakeError> {
        let manifest = read_manifest(&*self.store, &self.base_uri, partition).await?;
        for part in self.open_parts(partition, &manifest.parts).await? {
            for group in 0..part.groups.len() {
                let mut reader = part.read_group(&*self.store, group, Some(columns)).await?;
                while let Some(batch) = reader.next_batch()? {
                    visit(&batch);
                }
            }
        }
        Ok(())
    }

    /// Reads all rows of a table into memory, oldest partition first. For tests and small lakes.
    ///
    /// # Errors
    /// The store failed, or a manifest or part is damaged.
    pub async fn read_table(&self, table: Table) -> Result<Vec<RecordBatch>, LakeError> {
        let mut batches = Vec::new();
        for partition in self.partitions(Some(table)).await? {
            batches.extend(self.read_partition(partition).await?);
        }
        Ok(batches)
    }
}
