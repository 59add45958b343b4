//! Parts. A part is one Parquet file of a partition. It is read by row group.
//!
//! A reader fetches the footer and then the wanted columns of one row group at a time, never necessarily the whole
//! file.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::Bytes;
use bytes::buf::{Buf, Reader};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::statistics::Statistics;

use crate::columns::{DECODE_ROWS, rows_at_a_time};
use crate::digest::{self, CREATED_BY, FileDigest, NO_DIGEST};
use crate::error::LakeError;
use crate::keys::EVENT_TIME;
use crate::partition::Partition;
use crate::tables::{ArrowSchema, Table};

/// Size of the first request in bytes. It covers the footer of any part, and all of a small part.
const FOOTER_BYTES: u64 = 64 << 10;

/// Statistics of a row group, by which readers decide whether to read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowGroup {
    pub(crate) rows: u64,
    /// First and last event time in milliseconds since 1970; the widest range if the file has no statistics.
    pub(crate) first_event_ts: i64,
    pub(crate) last_event_ts: i64,
    /// Size in the file in bytes.
    pub(crate) bytes: u64,
}

/// Rows and bytes of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PartSize {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

/// A part whose footer has been read.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// File name.
    pub(crate) name: String,
    /// Path inside the lake.
    pub(crate) path: Path,
    /// Size of the file in bytes.
    pub(crate) bytes: u64,
    /// Number of rows.
    pub(crate) rows: u64,
    pub(crate) groups: Vec<RowGroup>,
    footer: ArrowReaderMetadata,
    /// The whole file, if the first request returned all of it.
    whole: Option<Bytes>,
}

impl Part {
    /// Reads the footer of a part. Checks the digest if the first request returned the whole file.
    pub(crate) async fn open(store: &dyn ObjectStore, partition: Partition, name: &str) -> Result<Self, LakeError> {
        let path = partition.part_path(name);
        let options = GetOptions { range: Some(GetRange::Suffix(FOOTER_BYTES)), ..GetOptions::default() };
        let got = store.get_opts(&path, options).await?;
        let bytes = got.meta.size;
        let tail = got.bytes().await?;
        let reader = || ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Skip);
        let mut metadata = reader();
        let whole = u64::try_from(tail.len()).is_ok_and(|len| len == bytes).then(|| tail.clone());
        let stated = whole.as_ref().and_then(|whole| digest::is_intact(whole));
        if stated == Some(false) {
            return Err(damaged(&path));
        }
        match metadata.try_parse_sized(&tail, bytes) {
            Err(ParquetError::NeedMoreData(needed)) => {
                let start = bytes.saturating_sub(needed as u64);
                let tail = store.get_range(&path, start..bytes).await?;
                metadata = reader();
                metadata.try_parse_sized(&tail, bytes)?;
            }
            other => other?,
        }
        let part = Self::from_metadata(path, name, bytes, Arc::new(metadata.finish()?), whole)?;
        if part.whole.is_some() && stated.is_none() && part.must_have_digest() {
            return Err(damaged(&part.path));
        }
        Ok(part)
    }

    /// Whether the version that wrote the part always puts a digest into the footer.
    fn must_have_digest(&self) -> bool {
        self.metadata().file_metadata().created_by() == Some(CREATED_BY)
    }

    /// Reads the whole file and compares its digest with the one in the footer. Does nothing if [`Part::open`] read
    /// the whole file, because it has already checked the digest.
    ///
    /// # Errors
    /// [`LakeError::Damaged`] if they differ.
    pub(crate) async fn check_digest(&self, store: &dyn ObjectStore) -> Result<(), LakeError> {
        if self.whole.is_some() {
            return Ok(());
        }
        let tail = store.get_range(&self.path, self.bytes.saturating_sub(FOOTER_BYTES)..self.bytes).await?;
        let Some(place) = digest::position(&tail) else {
            return if self.must_have_digest() { Err(damaged(&self.path)) } else { Ok(()) };
        };
        let stated = tail.get(place..place + NO_DIGEST.len()).unwrap_or_default();
        let place = self.bytes - tail.len() as u64 + place as u64;
        let (mut digest, mut offset) = (FileDigest::default(), 0);
        let mut pieces = store.get(&self.path).await?.into_stream();
        while let Some(piece) = pieces.try_next().await? {
            digest.update(&digest::without_digest(&piece, offset, place));
            offset += piece.len() as u64;
        }
        if digest.finish().as_bytes() == stated { Ok(()) } else { Err(damaged(&self.path)) }
    }

    /// Creates a part from the metadata that its writer has, without reading the file.
    pub(crate) fn from_metadata(
        path: Path,
        name: &str,
        bytes: u64,
        metadata: Arc<ParquetMetaData>,
        whole: Option<Bytes>,
    ) -> Result<Self, LakeError> {
        check_extents(&metadata, bytes)?;
        let time = metadata.file_metadata().schema_descr().columns().iter().position(|c| c.name() == EVENT_TIME);
        let groups = metadata.row_groups().iter().map(|group| {
            let statistics = time.and_then(|column| group.columns().get(column)).and_then(|column| column.statistics());
            let (first, last) = match statistics {
                Some(Statistics::Int64(values)) => (values.min_opt().copied(), values.max_opt().copied()),
                _ => (None, None),
            };
            RowGroup {
                rows: u64::try_from(group.num_rows()).unwrap_or_default(),
                first_event_ts: first.unwrap_or(i64::MIN),
                last_event_ts: last.unwrap_or(i64::MAX),
                bytes: u64::try_from(group.compressed_size()).unwrap_or_default(),
            }
        });
        let groups: Vec<_> = groups.collect();
        let rows = groups.iter().map(|group| group.rows).sum();
        let footer = ArrowReaderMetadata::try_new(metadata, ArrowReaderOptions::new())?;
        Ok(Self { name: name.to_owned(), path, bytes, rows, groups, footer, whole })
    }

    /// A copy without the file's bytes, for the cache of footers.
    pub(crate) fn without_bytes(&self) -> Self {
        Self { whole: None, ..self.clone() }
    }

    /// Rows and bytes of the part.
    pub(crate) fn size(&self) -> PartSize {
        PartSize { rows: self.rows, bytes: self.bytes }
    }

    pub(crate) fn metadata(&self) -> &Arc<ParquetMetaData> {
        self.footer.metadata()
    }

    /// Names of the part's columns that the table does not have. They exist if a newer version wrote the part.
    pub(crate) fn unknown_columns(&self, table: Table) -> Vec<String> {
        let schema = table.schema();
        let fields = self.footer.schema().fields().iter();
        fields.filter(|field| schema.field_with_name(field.name()).is_err()).map(|field| field.name().clone()).collect()
    }

    /// Whether the part's columns are exactly the table's. Only then can its row groups be copied without decoding.
    pub(crate) fn has_schema_of(&self, table: Table) -> bool {
        let (ours, theirs) = (table.schema(), self.footer.schema());
        let same = |(a, b): (&Arc<arrow::datatypes::Field>, &Arc<arrow::datatypes::Field>)| {
            a.name() == b.name() && a.data_type() == b.data_type() && a.is_nullable() == b.is_nullable()
        };
        ours.fields().len() == theirs.fields().len() && ours.fields().iter().zip(theirs.fields()).all(same)
    }

    /// Fetches a row group with all columns, or with the named ones. Names that the part does not have are ignored.
    pub(crate) async fn read_group(
        &self,
        store: &dyn ObjectStore,
        group: usize,
        columns: Option<&[&str]>,
    ) -> Result<GroupReader, LakeError> {
        let schema = self.metadata().file_metadata().schema_descr();
        let mask = match columns {
            None => ProjectionMask::all(),
            Some(names) => {
                let roots = schema.root_schema().get_fields().iter().enumerate();
                let wanted = roots.filter(|(_, field)| names.contains(&field.name())).map(|(index, _)| index);
                ProjectionMask::roots(schema, wanted)
            }
        };
        let bytes = match &self.whole {
            Some(whole) => SparseFile { len: self.bytes, chunks: vec![(0, whole.clone())] },
            None => self.fetch(store, group, &mask).await?,
        };
        let batch_rows = self.metadata().row_groups().get(group).map_or(DECODE_ROWS, |group| {
            let columns = group.columns().iter().enumerate().filter(|(leaf, _)| mask.leaf_included(*leaf));
            let decoded: i64 = columns.map(|(_, column)| column.uncompressed_size()).sum();
            let size = |value: i64| usize::try_from(value).unwrap_or_default();
            rows_at_a_time(size(group.num_rows()), size(decoded))
        });
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes.clone(), self.footer.clone());
        let batches = builder.with_row_groups(vec![group]).with_projection(mask).with_batch_size(batch_rows).build()?;
        Ok(GroupReader { batches, bytes })
    }

    async fn fetch(
        &self,
        store: &dyn ObjectStore,
        group: usize,
        mask: &ProjectionMask,
    ) -> Result<SparseFile, LakeError> {
        let Some(metadata) = self.metadata().row_groups().get(group) else {
            return Err(LakeError::Invalid(format!("{} has no row group {group}", self.path)));
        };
        let columns = metadata.columns().iter().enumerate().filter(|(leaf, _)| mask.leaf_included(*leaf));
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for (_, column) in columns {
            let (start, len) = column.byte_range();
            match ranges.last_mut() {
                Some(last) if last.end == start => last.end += len,
                _ => ranges.push(start..start + len),
            }
        }
        let chunks = store.get_ranges(&self.path, &ranges).await?;
        let chunks = ranges.iter().map(|range| range.start).zip(chunks).collect();
        Ok(SparseFile { len: self.bytes, chunks })
    }
}

fn damaged(path: &Path) -> LakeError {
    let problem = "its bytes do not have the digest that its footer states".to_owned();
    LakeError::Damaged { object: path.to_string(), problem }
}

/// Rejects a footer that places a column outside the file, because the Parquet library does not check this.
fn check_extents(metadata: &ParquetMetaData, bytes: u64) -> Result<(), ParquetError> {
    for (number, group) in metadata.row_groups().iter().enumerate() {
        let lies_inside = |column: &ColumnChunkMetaData| {
            let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
            let end = start.checked_add(column.compressed_size())?;
            let sound = start >= 0 && end >= start && column.num_values() >= 0 && column.uncompressed_size() >= 0;
            (sound && u64::try_from(end).is_ok_and(|end| end <= bytes)).then_some(())
        };
        if group.num_rows() < 0 || group.columns().iter().any(|column| lies_inside(column).is_none()) {
            return Err(ParquetError::General(format!("row group {number} does not lie inside the file")));
        }
    }
    Ok(())
}

/// A fetched row group: a reader of its rows, and the fetched bytes.
pub(crate) struct GroupReader {
    pub(crate) batches: ParquetRecordBatchReader,
    pub(crate) bytes: SparseFile,
}

impl GroupReader {
    /// Decodes the next rows; `None` at the end.
    pub(crate) fn next_batch(&mut self) -> Result<Option<RecordBatch>, LakeError> {
        Ok(self.batches.next().transpose()?)
    }
}

/// A file of which only some byte ranges are in memory.
#[derive(Clone, Debug)]
pub(crate) struct SparseFile {
    len: u64,
    chunks: Vec<(u64, Bytes)>,
}

impl SparseFile {
    fn from(&self, start: u64) -> Result<Bytes, ParquetError> {
        let found = self.chunks.iter().find_map(|(offset, bytes)| {
            let skip = usize::try_from(start.checked_sub(*offset)?).ok()?;
            (skip < bytes.len()).then(|| bytes.slice(skip..))
        });
        found.ok_or_else(|| ParquetError::General(format!("byte {start} was not fetched")))
    }
}

impl Length for SparseFile {
    fn len(&self) -> u64 {
        self.len
    }
}

impl ChunkReader for SparseFile {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let bytes = self.from(start)?;
        if bytes.len() < length {
            return Err(ParquetError::General(format!("{length} bytes from byte {start} were not fetched")));
        }
        Ok(bytes.slice(..length))
    }
}
