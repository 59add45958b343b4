//! Row keys and sort order: which columns identify a row, and by which columns a part is sorted.
//!
//! Both follow from [`Table::key`]. [`RowEncoder`] encodes columns as byte strings that sort as the columns do.

use arrow::array::{Array, ArrayRef, RecordBatch, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, Rows, SortField};

use crate::error::LakeError;
use crate::tables::{ArrowSchema, ColumnType, Table};

/// The column whose UTC date determines the partition.
pub(crate) const EVENT_TIME: &str = "event_ts";

/// Whether the event time is part of a table's key. If so, a duplicate has the same event time as the original.
pub(crate) fn is_time_in_key(table: Table) -> bool {
    table.key().contains(&EVENT_TIME)
}

/// Columns by which the rows of a part are sorted: event time, then the key.
pub(crate) fn sort_columns(table: Table) -> Vec<&'static str> {
    let rest = table.key().iter().copied().filter(|name| *name != EVENT_TIME);
    std::iter::once(EVENT_TIME).chain(rest).collect()
}

/// Encodes columns of a table as byte strings. These sort as the columns do and are equal only if the columns are.
pub(crate) struct RowEncoder {
    converter: RowConverter,
    table: Table,
    columns: Vec<&'static str>,
}

impl RowEncoder {
    /// An encoder of the key. Two rows with the same key are the same statement about the same event.
    pub(crate) fn key(table: Table) -> Result<Self, LakeError> {
        Self::new(table, table.key().to_vec())
    }

    /// An encoder of the sort columns of a part.
    pub(crate) fn order(table: Table) -> Result<Self, LakeError> {
        Self::new(table, sort_columns(table))
    }

    /// An encoder of all columns except maps, which have no order. Two encodings are equal only if all these columns
    /// agree.
    pub(crate) fn whole_row(table: Table) -> Result<Self, LakeError> {
        let columns = table.columns().iter().filter(|column| column.kind != ColumnType::StringMap);
        Self::new(table, columns.map(|column| column.name).collect())
    }

    fn new(table: Table, columns: Vec<&'static str>) -> Result<Self, LakeError> {
        let schema = table.schema();
        let fields = columns.iter().map(|name| Ok(SortField::new(schema.field_with_name(name)?.data_type().clone())));
        let converter = RowConverter::new(fields.collect::<Result<_, LakeError>>()?)?;
        Ok(Self { converter, table, columns })
    }

    /// Names of the encoded columns.
    pub(crate) fn columns(&self) -> &[&'static str] {
        &self.columns
    }

    /// Encodes each row of a batch. A column that is missing, because an older version wrote the part, counts as
    /// null.
    pub(crate) fn encode(&self, batch: &RecordBatch) -> Result<Rows, LakeError> {
        Ok(self.converter.convert_columns(&self.select(batch)?)?)
    }

    fn select(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>, LakeError> {
        let schema = self.table.schema();
        let columns = self.columns.iter().map(|name| match batch.column_by_name(name) {
            Some(column) => without_dictionary(column),
            None => Ok(new_null_array(schema.field_with_name(name)?.data_type(), batch.num_rows())),
        });
        columns.collect()
    }
}

/// Converts a dictionary column to plain texts. Staging encodes texts with few distinct values as dictionaries.
fn without_dictionary(column: &ArrayRef) -> Result<ArrayRef, LakeError> {
    match column.data_type() {
        DataType::Dictionary(_, values) => Ok(cast(column, values)?),
        _ => Ok(column.clone()),
    }
}
