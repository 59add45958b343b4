//! Writes a part: sorted rows, row group by row group, streamed to the store. The footer gets the digest of the file.

use std::io::Write;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use bytes::Bytes;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression, ZstdLevel};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;

use crate::digest::{self, CREATED_BY, DIGEST_KEY, FileDigest, NO_DIGEST};
use crate::error::LakeError;
use crate::keys::{EVENT_TIME, sort_columns};
use crate::options::LakeOptions;
use crate::part::{Part, SparseFile};
use crate::tables::{ArrowSchema, ColumnType, Table};

/// Parts up to this size are written with one PUT; larger ones use a multipart upload with pieces of this size. S3
/// requires at least 5 MiB per piece.
const PIECE_BYTES: usize = 8 << 20;

/// Approximate maximum size of a row group in the file. A merge holds one row group of each part, and rows may be
/// large.
pub(crate) const GROUP_BYTES: usize = 16 << 20;

/// Maximum dictionary size of a column in bytes. Beyond it the column is written with plain encoding.
const DICTIONARY_BYTES: usize = 1 << 20;

/// As [`DICTIONARY_BYTES`] for ids that recur: a message has several statuses in a row group, all with its id and its
/// recipient.
const ID_DICTIONARY_BYTES: usize = 16 << 20;

/// In parts with fewer rows, dictionaries and column statistics (minimum, maximum) cost more bytes than they save.
/// Such a part will be compacted soon.
const SMALL_PART_ROWS: u64 = 2000;

/// The bytes of the file that were not uploaded yet, shared between encoder and upload.
#[derive(Clone, Default)]
struct SharedBuffer(Arc<Mutex<Vec<u8>>>);

impl SharedBuffer {
    fn take(&self) -> Vec<u8> {
        mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Write for SharedBuffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Writes one part. If it is dropped before [`PartWriter::finish`], no reader or listing shows anything (on S3 an
/// incomplete multipart upload remains, which a lifecycle rule aborts).
pub(crate) struct PartWriter<'s> {
    store: &'s dyn ObjectStore,
    path: Path,
    name: String,
    file: SerializedFileWriter<SharedBuffer>,
    factory: ArrowRowGroupWriterFactory,
    group: Option<OpenGroup>,
    groups_written: usize,
    group_rows: usize,
    buffer: SharedBuffer,
    upload: Option<Box<dyn MultipartUpload>>,
    bytes: u64,
    /// Digest of the bytes that were taken out of the buffer.
    digest: FileDigest,
}

struct OpenGroup {
    columns: Vec<ArrowColumnWriter>,
    rows: usize,
}

impl<'s> PartWriter<'s> {
    /// Creates a writer of the part with this file name and path. `expected_rows` is an estimate. The columns named
    /// in `constant` are not compressed, because each of them takes only a few bytes.
    pub(crate) fn new(
        store: &'s dyn ObjectStore,
        table: Table,
        name: String,
        path: Path,
        expected_rows: u64,
        constant: &[&str],
        options: &LakeOptions,
    ) -> Result<Self, LakeError> {
        let schema = table.schema();
        let descriptor = ArrowSchemaConverter::new().convert(&schema)?;
        let properties = Arc::new(properties(table, expected_rows, constant, options)?);
        let buffer = SharedBuffer::default();
        let file = SerializedFileWriter::new(buffer.clone(), descriptor.root_schema_ptr(), properties)?;
        let factory = ArrowRowGroupWriterFactory::new(&file, schema);
        Ok(Self {
            store,
            path,
            name,
            file,
            factory,
            group: None,
            groups_written: 0,
            group_rows: options.row_group_rows.max(1),
            buffer,
            upload: None,
            bytes: 0,
            digest: FileDigest::default(),
        })
    }

    /// Number of rows in the open row group.
    pub(crate) fn open_rows(&self) -> usize {
        self.group.as_ref().map_or(0, |group| group.rows)
    }

    /// Approximate size of the open row group in the file, in bytes.
    fn open_bytes(&self) -> usize {
        let columns = self.group.iter().flat_map(|group| &group.columns);
        columns.map(ArrowColumnWriter::get_estimated_total_bytes).sum()
    }

    /// Writes rows. They must sort after all rows written before.
    pub(crate) async fn write(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        let mut start = 0;
        while start < batch.num_rows() {
            let len = (self.group_rows - self.open_rows()).min(batch.num_rows() - start);
            self.encode(&batch.slice(start, len))?;
            start += len;
            if self.open_rows() >= self.group_rows || self.open_bytes() >= GROUP_BYTES {
                self.close_group().await?;
            }
        }
        Ok(())
    }

    fn encode(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        if self.group.is_none() {
            let columns = self.factory.create_column_writers(self.groups_written)?;
            self.group = Some(OpenGroup { columns, rows: 0 });
        }
        let Some(group) = &mut self.group else { return Ok(()) };
        let mut columns = group.columns.iter_mut();
        // Use the batch's own fields, because a text column may be a dictionary there.
        let schema = batch.schema();
        for (field, array) in schema.fields().iter().zip(batch.columns()) {
            for leaf in compute_leaves(field, array)? {
                if let Some(column) = columns.next() {
                    column.write(&leaf)?;
                }
            }
        }
        group.rows += batch.num_rows();
        Ok(())
    }

    /// Closes the open row group, if there is one.
    pub(crate) async fn close_group(&mut self) -> Result<(), LakeError> {
        let Some(group) = self.group.take() else { return Ok(()) };
        let mut writer = self.file.next_row_group()?;
        for column in group.columns {
            column.close()?.append_to_row_group(&mut writer)?;
        }
        writer.close()?;
        self.groups_written += 1;
        self.upload_full_piece().await
    }

    /// Copies an encoded row group of another part, including its statistics. The caller must have checked that its
    /// columns are the table's and that its rows sort after all rows written before. Page indexes and bloom filters
    /// would be lost, but parts have none.
    pub(crate) async fn copy_group(&mut self, part: &Part, group: usize, bytes: &SparseFile) -> Result<(), LakeError> {
        self.close_group().await?;
        let Some(metadata) = part.metadata().row_groups().get(group) else {
            return Err(LakeError::Invalid(format!("{} has no row group {group}", part.path)));
        };
        let rows = u64::try_from(metadata.num_rows()).unwrap_or_default();
        let mut writer = self.file.next_row_group()?;
        for column in metadata.columns() {
            let close = ColumnCloseResult {
                bytes_written: u64::try_from(column.compressed_size()).unwrap_or_default(),
                rows_written: rows,
                metadata: column.clone(),
                bloom_filter: None,
                column_index: None,
                offset_index: None,
            };
            writer.append_column(bytes, close)?;
        }
        writer.close()?;
        self.groups_written += 1;
        self.upload_full_piece().await
    }

    /// Writes the footer and completes the object.
    pub(crate) async fn finish(mut self) -> Result<Part, LakeError> {
        self.close_group().await?;
        self.file.append_key_value_metadata(KeyValue::new(DIGEST_KEY.to_owned(), NO_DIGEST.to_owned()));
        let metadata = Arc::new(self.file.finish()?);
        let bytes = self.take_with_digest();
        let whole = if self.upload.is_none() && bytes.len() <= PIECE_BYTES {
            self.bytes = bytes.len() as u64;
            self.store.put(&self.path, PutPayload::from_bytes(bytes.clone())).await?;
            Some(bytes)
        } else {
            self.upload_piece(bytes).await?;
            if let Some(upload) = &mut self.upload {
                upload.complete().await?;
            }
            None
        };
        // Keep the bytes of a small file in memory, because reading them back would cost a request.
        let whole = whole.filter(|bytes| bytes.len() <= 64 << 10);
        Part::from_metadata(self.path, &self.name, self.bytes, metadata, whole)
    }

    /// Takes the last bytes of the file, including the footer, with the file's digest inserted.
    fn take_with_digest(&mut self) -> Bytes {
        let mut bytes = self.buffer.take();
        self.digest.update(&bytes);
        let digest = mem::take(&mut self.digest).finish();
        let place = digest::position(&bytes).and_then(|start| bytes.get_mut(start..start + NO_DIGEST.len()));
        if let Some(place) = place {
            place.copy_from_slice(digest.as_bytes());
        }
        Bytes::from(bytes)
    }

    /// Uploads buffered bytes if they are enough for a piece.
    async fn upload_full_piece(&mut self) -> Result<(), LakeError> {
        if self.buffer.len() < PIECE_BYTES {
            return Ok(());
        }
        let bytes = Bytes::from(self.buffer.take());
        self.digest.update(&bytes);
        self.upload_piece(bytes).await
    }

    async fn upload_piece(&mut self, bytes: Bytes) -> Result<(), LakeError> {
        if self.upload.is_none() {
            self.upload = Some(self.store.put_multipart(&self.path).await?);
        }
        let Some(upload) = &mut self.upload else { return Ok(()) };
        self.bytes += bytes.len() as u64;
        upload.put_part(PutPayload::from_bytes(bytes)).await?;
        Ok(())
    }
}

fn properties(
    table: Table,
    expected_rows: u64,
    constant: &[&str],
    options: &LakeOptions,
) -> Result<WriterProperties, LakeError> {
    let compression = match options.zstd_level {
        0 => Compression::UNCOMPRESSED,
        level => Compression::ZSTD(ZstdLevel::try_new(level)?),
    };
    let mut builder = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(compression)
        .set_dictionary_enabled(false)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .set_max_row_group_row_count(None)
        .set_sorting_columns(Some(sorting_columns(table)?));
    let small = expected_rows < SMALL_PART_ROWS;
    for column in table.columns() {
        let inner: &[&str] = match column.kind {
            ColumnType::StringList => &["list", "element"],
            // Keys of maps recur; values do not necessarily.
            ColumnType::StringMap => &["key_value", "key"],
            _ => &[],
        };
        let path = [column.name].iter().chain(inner).map(|name| (*name).to_owned()).collect();
        let path = ColumnPath::new(path);
        if constant.contains(&column.name) {
            // These columns are only a few bytes each: setting up a compressor costs more than it saves.
            builder = builder.set_column_compression(path.clone(), Compression::UNCOMPRESSED);
        }
        if small && column.name != EVENT_TIME {
            continue;
        }
        let text = matches!(column.kind, ColumnType::String | ColumnType::StringList | ColumnType::StringMap);
        if column.low_cardinality {
            builder = builder.set_column_dictionary_enabled(path.clone(), true);
        }
        if column.recurring {
            builder = builder
                .set_column_dictionary_enabled(path.clone(), true)
                .set_column_dictionary_page_size_limit(path.clone(), ID_DICTIONARY_BYTES);
        }
        // A row group usually has most values of a text column, so its smallest and largest text would exclude little.
        // Engines that look for a text can look into the dictionary.
        if !text {
            builder = builder.set_column_statistics_enabled(path, EnabledStatistics::Chunk);
        }
    }
    Ok(builder.build())
}

fn sorting_columns(table: Table) -> Result<Vec<SortingColumn>, LakeError> {
    let schema = table.schema();
    let descriptor = ArrowSchemaConverter::new().convert(&schema)?;
    let index = |name: &str| descriptor.columns().iter().position(|leaf| leaf.path().parts() == [name]);
    let columns = sort_columns(table).into_iter().filter_map(index).filter_map(|index| i32::try_from(index).ok());
    Ok(columns.map(|column_idx| SortingColumn { column_idx, descending: false, nulls_first: true }).collect())
}
