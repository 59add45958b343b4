//! Column builders for a chunk of rows of one partition.
//!
//! Texts with few distinct values are dictionary-encoded while they are read: each distinct value is stored once, and
//! sorting and writing move 16-bit keys instead of texts.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Int64Builder, ListBuilder, MapBuilder, MapFieldNames, StringBuilder,
    TimestampMillisecondBuilder, new_null_array,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::dictionary::DictionaryBuilder;
use super::line::{Cell, Row};
use crate::tables::{ArrowSchema, Column, ColumnType, Table, arrow_type};

/// A chunk ends when it reaches any of these limits. Usually one chunk holds all staged rows of a partition, because
/// rows are gathered fastest from one chunk. The limits keep the unused space of growing buffers small.
const CHUNK_ROWS: usize = 1 << 18;
const CHUNK_TEXT_BYTES: usize = 32 << 20;

/// Bytes that a distinct text of a dictionary takes besides itself: its place in the list and in the index, and the
/// allocator's overhead.
const DICTIONARY_TEXT_BYTES: usize = 48;

/// Bytes that a row takes while its batch is sorted.
const ORDER_BYTES: usize = 40;

/// Bytes that the first values of a column take at least.
const COLUMN_BYTES: usize = 128;

/// Number of distinct dictionary values at which a chunk ends. Keys have 16 bits, and a row adds at most one value.
const CHUNK_DISTINCT_VALUES: usize = 60_000;

enum ColumnBuilder {
    Text(StringBuilder),
    /// Text with few distinct values.
    Dictionary(DictionaryBuilder),
    Timestamp(TimestampMillisecondBuilder),
    Int(Int64Builder),
    Bool(BooleanBuilder),
    TextList(ListBuilder<StringBuilder>),
    TextMap(MapBuilder<StringBuilder, StringBuilder>),
}

/// Size changes caused by one value.
#[derive(Default)]
struct Added {
    text_bytes: usize,
    /// Number of distinct values in the dictionary afterwards.
    distinct_values: usize,
}

impl Added {
    fn text(text_bytes: usize) -> Self {
        Self { text_bytes, distinct_values: 0 }
    }
}

impl ColumnBuilder {
    fn new(column: &Column) -> Self {
        match column.kind {
            ColumnType::String if column.low_cardinality => Self::Dictionary(DictionaryBuilder::new()),
            ColumnType::String => Self::Text(StringBuilder::with_capacity(0, 0)),
            ColumnType::Timestamp => {
                Self::Timestamp(TimestampMillisecondBuilder::with_capacity(0).with_data_type(arrow_type(column.kind)))
            }
            ColumnType::BigInt => Self::Int(Int64Builder::with_capacity(0)),
            ColumnType::Boolean => Self::Bool(BooleanBuilder::with_capacity(0)),
            ColumnType::StringList => {
                let element = Field::new("element", DataType::Utf8, true);
                Self::TextList(
                    ListBuilder::with_capacity(StringBuilder::with_capacity(0, 0), 0).with_field(Arc::new(element)),
                )
            }
            ColumnType::StringMap => Self::new_map(),
        }
    }

    fn new_map() -> Self {
        let names = MapFieldNames { entry: "key_value".into(), key: "key".into(), value: "value".into() };
        let texts = || StringBuilder::with_capacity(0, 0);
        Self::TextMap(MapBuilder::with_capacity(Some(names), texts(), texts(), 0))
    }

    /// Appends a value whose type was checked. A value of another type is stored as null.
    fn append(&mut self, cell: &Cell<'_>) -> Added {
        match (self, cell) {
            (Self::Text(builder), Cell::Text(text)) => {
                builder.append_value(text);
                Added::text(text.len())
            }
            (Self::Dictionary(builder), Cell::Text(text)) => {
                let text_bytes = if builder.append(text) { text.len() + DICTIONARY_TEXT_BYTES } else { 0 };
                Added { text_bytes, distinct_values: builder.distinct_texts() }
            }
            (Self::Timestamp(builder), Cell::Int(value)) => {
                builder.append_value(*value);
                Added::default()
            }
            (Self::Int(builder), Cell::Int(value)) => {
                builder.append_value(*value);
                Added::default()
            }
            (Self::Bool(builder), Cell::Bool(value)) => {
                builder.append_value(*value);
                Added::default()
            }
            (Self::TextList(builder), Cell::List(items)) => {
                builder.append_value(items.iter().map(Option::as_deref));
                Added::text(items.iter().flatten().map(|text| text.len()).sum())
            }
            (Self::TextMap(builder), Cell::Map(entries)) => Added::text(append_map(builder, entries)),
            (builder, _) => {
                builder.append_nulls(1);
                Added::default()
            }
        }
    }

    fn append_nulls(&mut self, rows: usize) {
        match self {
            Self::Text(builder) => builder.append_nulls(rows),
            Self::Dictionary(builder) => builder.append_nulls(rows),
            Self::Timestamp(builder) => builder.append_nulls(rows),
            Self::Int(builder) => builder.append_nulls(rows),
            Self::Bool(builder) => builder.append_nulls(rows),
            Self::TextList(builder) => builder.append_nulls(rows),
            Self::TextMap(builder) => {
                // Fails only if the numbers of keys and values differ.
                let appended = builder.append_nulls(rows);
                debug_assert!(appended.is_ok());
            }
        }
    }

    /// Bytes per row besides its texts: an offset, key or number.
    fn row_bytes(&self) -> usize {
        match self {
            Self::Bool(_) => 1,
            Self::Dictionary(_) => size_of::<u16>(),
            Self::Text(_) | Self::TextList(_) | Self::TextMap(_) => size_of::<i32>(),
            Self::Timestamp(_) | Self::Int(_) => size_of::<i64>(),
        }
    }

    fn finish(self) -> ArrayRef {
        let mut array: ArrayRef = match self {
            Self::Text(mut builder) => Arc::new(builder.finish()),
            Self::Dictionary(builder) => Arc::new(builder.finish()),
            Self::Timestamp(mut builder) => Arc::new(builder.finish()),
            Self::Int(mut builder) => Arc::new(builder.finish()),
            Self::Bool(mut builder) => Arc::new(builder.finish()),
            Self::TextList(mut builder) => Arc::new(builder.finish()),
            Self::TextMap(mut builder) => Arc::new(builder.finish()),
        };
        // Buffers double when they grow. Release the unused space.
        if let Some(array) = Arc::get_mut(&mut array) {
            array.shrink_to_fit();
        }
        array
    }
}

/// The entries of a map.
type Entries<'a> = BTreeMap<Cow<'a, str>, Option<Cow<'a, str>>>;

/// Appends a map. Returns the total bytes of its texts.
fn append_map(builder: &mut MapBuilder<StringBuilder, StringBuilder>, entries: &Entries<'_>) -> usize {
    let mut bytes = 0;
    for (key, value) in entries {
        builder.keys().append_value(key);
        builder.values().append_option(value.as_deref());
        bytes += key.len() + value.as_ref().map_or(0, |value| value.len());
    }
    // Fails only if the numbers of keys and values differ.
    let appended = builder.append(true);
    debug_assert!(appended.is_ok());
    bytes
}

/// A column, without the nulls after its last value. Most columns of a row are null; they are appended together, before
/// the next value or at the end.
struct SparseColumn {
    builder: ColumnBuilder,
    /// Number of rows in the builder; 0 until the first value.
    rows: usize,
    kind: DataType,
}

impl SparseColumn {
    fn new(column: &Column) -> Self {
        let builder = ColumnBuilder::new(column);
        let kind = match &builder {
            ColumnBuilder::Dictionary(_) => DataType::Dictionary(Box::new(DataType::UInt16), Box::new(DataType::Utf8)),
            _ => arrow_type(column.kind),
        };
        Self { builder, rows: 0, kind }
    }

    /// Appends nulls up to this number of rows.
    fn fill(&mut self, rows: usize) {
        if self.rows < rows {
            self.builder.append_nulls(rows - self.rows);
            self.rows = rows;
        }
    }

    /// Sets the value of the row with this number.
    fn append(&mut self, row: usize, cell: &Cell<'_>) -> Added {
        self.fill(row);
        self.rows += 1;
        self.builder.append(cell)
    }

    /// Completes the column with this number of rows. A long column without values takes hardly any memory: the system
    /// provides pages of zeros only when they are written.
    fn finish(mut self, rows: usize) -> ArrayRef {
        if self.rows == 0 {
            return new_null_array(&self.kind, rows);
        }
        self.fill(rows);
        self.builder.finish()
    }
}

/// Builder of a chunk.
pub(super) struct ChunkBuilder {
    columns: Vec<SparseColumn>,
    rows: usize,
    /// Bytes per row besides its texts, of the columns that have values.
    row_bytes: usize,
    text_bytes: usize,
    distinct_values: usize,
}

impl ChunkBuilder {
    pub(super) fn new(table: Table) -> Self {
        let columns = table.columns().iter().map(SparseColumn::new).collect();
        Self { columns, rows: 0, row_bytes: 0, text_bytes: 0, distinct_values: 0 }
    }

    /// Appends a row that was checked against the table.
    pub(super) fn append(&mut self, row: &Row<'_>) {
        for (column, cell) in row {
            let Some(column) = self.columns.get_mut(*column) else { continue };
            if column.rows == 0 {
                self.row_bytes += column.builder.row_bytes();
            }
            let added = column.append(self.rows, cell);
            self.text_bytes += added.text_bytes;
            self.distinct_values = self.distinct_values.max(added.distinct_values);
        }
        self.rows += 1;
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows >= CHUNK_ROWS || self.text_bytes >= CHUNK_TEXT_BYTES || self.distinct_values >= CHUNK_DISTINCT_VALUES
    }

    /// Approximate memory in bytes. Texts, and an offset, key or number per row of each column with values, are doubled
    /// because buffers grow.
    pub(super) fn memory_bytes(&self) -> usize {
        let columns = self.columns.len() * (size_of::<SparseColumn>() + COLUMN_BYTES);
        columns + 2 * (self.text_bytes + self.rows * self.row_bytes) + self.memory_for_order()
    }

    /// The part of the memory that is needed to sort the rows, in bytes.
    pub(super) fn memory_for_order(&self) -> usize {
        self.rows * ORDER_BYTES
    }

    /// Completes the chunk and returns its columns.
    pub(super) fn finish(self) -> Vec<ArrayRef> {
        self.columns.into_iter().map(|column| column.finish(self.rows)).collect()
    }
}

/// The schema of a chunk: the table's schema with dictionary types for dictionary columns.
pub(super) fn chunk_schema(table: Table, columns: &[ArrayRef]) -> SchemaRef {
    let schema = table.schema();
    let fields = schema.fields().iter().zip(columns);
    let fields = fields.map(|(field, column)| field.as_ref().clone().with_data_type(column.data_type().clone()));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray, RecordBatch};
    use arrow::datatypes::{Field, Schema};
    use parquet::arrow::ArrowWriter;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

    use super::*;

    #[test]
    fn a_map_survives_json_and_parquet() {
        let mut builder = ColumnBuilder::new_map();
        let lines = [r#"{"b":"2","a":"1","n":null,"b":"3"}"#, "{}", "null"];
        let bytes: Vec<_> =
            lines.iter().map(|line| builder.append(&serde_json::from_str(line).unwrap()).text_bytes).collect();
        assert_eq!(bytes, [5, 0, 0]);
        let kind = arrow_type(ColumnType::StringMap);
        let column = builder.finish();
        assert_eq!(column.data_type(), &kind);
        let schema = Arc::new(Schema::new(vec![Field::new("attributes", kind, true)]));
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![column]).unwrap();
        let mut file = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut file, schema, None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let read = ParquetRecordBatchReader::try_new(bytes::Bytes::from(file), 10).unwrap().next().unwrap().unwrap();
        assert_eq!(read, batch);
        let maps = read.column(0).as_map();
        assert!(maps.is_valid(1) && maps.is_null(2));
        let pairs = maps.value(0);
        let texts = |column: usize| pairs.column(column).as_string::<i32>().iter().collect::<Vec<_>>();
        assert_eq!((texts(0), texts(1)), (vec![Some("a"), Some("b"), Some("n")], vec![Some("1"), Some("3"), None]));
    }

    #[test]
    fn an_object_with_other_values_is_not_a_map() {
        let cell: Cell<'_> = serde_json::from_str(r#"{"a":"1","b":{"c":"2"}}"#).unwrap();
        assert_eq!(cell, Cell::Other);
    }
}
