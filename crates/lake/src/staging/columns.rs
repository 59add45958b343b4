//! Columns under construction: a chunk of some thousand rows of one partition.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Int64Builder, ListBuilder, MapBuilder, MapFieldNames, StringBuilder,
    TimestampMillisecondBuilder,
};
use arrow::datatypes::{DataType, Field};

use super::Cell;
use crate::tables::{ColumnType, Table, arrow_type};

/// A chunk ends at either bound: small enough that growing buffers waste little, large enough to share their cost.
const CHUNK_ROWS: usize = 8192;
const CHUNK_TEXT_BYTES: usize = 8 << 20;

enum ColumnBuilder {
    Text(StringBuilder),
    Timestamp(TimestampMillisecondBuilder),
    Int(Int64Builder),
    Bool(BooleanBuilder),
    TextList(ListBuilder<StringBuilder>),
    TextMap(MapBuilder<StringBuilder, StringBuilder>),
}

impl ColumnBuilder {
    fn new(kind: ColumnType) -> Self {
        match kind {
            ColumnType::String => Self::Text(StringBuilder::with_capacity(0, 0)),
            ColumnType::Timestamp => {
                Self::Timestamp(TimestampMillisecondBuilder::with_capacity(0).with_data_type(arrow_type(kind)))
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

    /// Appends a value whose type was checked; anything else counts as null. Returns the bytes of text.
    fn append(&mut self, cell: &Cell<'_>) -> usize {
        match (self, cell) {
            (Self::Text(builder), Cell::Text(text)) => {
                builder.append_value(text);
                text.len()
            }
            (Self::Text(builder), _) => {
                builder.append_null();
                0
            }
            (Self::Timestamp(builder), Cell::Int(value)) => {
                builder.append_value(*value);
                0
            }
            (Self::Timestamp(builder), _) => {
                builder.append_null();
                0
            }
            (Self::Int(builder), Cell::Int(value)) => {
                builder.append_value(*value);
                0
            }
            (Self::Int(builder), _) => {
                builder.append_null();
                0
            }
            (Self::Bool(builder), Cell::Bool(value)) => {
                builder.append_value(*value);
                0
            }
            (Self::Bool(builder), _) => {
                builder.append_null();
                0
            }
            (Self::TextList(builder), Cell::List(items)) => {
                builder.append_value(items.iter().map(Option::as_deref));
                items.iter().flatten().map(|text| text.len()).sum()
            }
            (Self::TextList(builder), _) => {
                builder.append_null();
                0
            }
            (Self::TextMap(builder), cell) => append_map(builder, cell),
        }
    }

    fn finish(self) -> ArrayRef {
        let mut array: ArrayRef = match self {
            Self::Text(mut builder) => Arc::new(builder.finish()),
            Self::Timestamp(mut builder) => Arc::new(builder.finish()),
            Self::Int(mut builder) => Arc::new(builder.finish()),
            Self::Bool(mut builder) => Arc::new(builder.finish()),
            Self::TextList(mut builder) => Arc::new(builder.finish()),
            Self::TextMap(mut builder) => Arc::new(builder.finish()),
        };
        // Buffers double as they grow; the half that was never used goes back.
        if let Some(array) = Arc::get_mut(&mut array) {
            array.shrink_to_fit();
        }
        array
    }
}

fn append_map(builder: &mut MapBuilder<StringBuilder, StringBuilder>, cell: &Cell<'_>) -> usize {
    let mut bytes = 0;
    let entries = if let Cell::Map(entries) = cell { Some(entries) } else { None };
    for (key, value) in entries.into_iter().flatten() {
        builder.keys().append_value(key);
        builder.values().append_option(value.as_deref());
        bytes += key.len() + value.as_ref().map_or(0, |value| value.len());
    }
    // Fails only if there are more keys than values, or the reverse.
    let appended = builder.append(entries.is_some());
    debug_assert!(appended.is_ok());
    bytes
}

/// A chunk under construction.
pub(super) struct ChunkBuilder {
    columns: Vec<ColumnBuilder>,
    rows: usize,
    text_bytes: usize,
}

impl ChunkBuilder {
    pub(super) fn new(table: Table) -> Self {
        let columns = table.columns().iter().map(|column| ColumnBuilder::new(column.kind)).collect();
        Self { columns, rows: 0, text_bytes: 0 }
    }

    /// Appends a row that was checked against the table.
    pub(super) fn append(&mut self, row: &[Cell<'_>]) {
        for (column, cell) in self.columns.iter_mut().zip(row) {
            self.text_bytes += column.append(cell);
        }
        self.rows += 1;
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows >= CHUNK_ROWS || self.text_bytes >= CHUNK_TEXT_BYTES
    }

    /// Bytes held, about: texts, and for each value an offset or number, with room to grow.
    pub(super) fn memory_bytes(&self) -> usize {
        2 * (self.text_bytes + self.rows * self.columns.len() * size_of::<u32>())
    }

    /// The columns of the chunk.
    pub(super) fn finish(self) -> Vec<ArrayRef> {
        self.columns.into_iter().map(ColumnBuilder::finish).collect()
    }
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
        let mut builder = ColumnBuilder::new(ColumnType::StringMap);
        let lines = [r#"{"b":"2","a":"1","n":null,"b":"3"}"#, "{}", "null"];
        let bytes: Vec<_> =
            lines.iter().map(|line| builder.append(&serde_json::from_str(line).unwrap())).collect();
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
