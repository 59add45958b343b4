//! Typed access to the columns of a record batch, and conversion of batches of other versions to a table's schema.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::TimestampMillisecondType;

use crate::error::LakeError;
use crate::keys::EVENT_TIME;
use crate::tables::{ArrowSchema, Table};

/// Maximum number of rows decoded at a time.
pub(crate) const DECODE_ROWS: usize = 4096;

/// Approximate maximum of bytes decoded at a time. If rows are large, fewer rows are decoded.
pub(crate) const DECODE_BYTES: usize = 4 << 20;

/// Number of rows to decode at a time, given that `rows` rows take `bytes` bytes in total.
pub(crate) fn rows_at_a_time(rows: usize, bytes: usize) -> usize {
    DECODE_BYTES.saturating_mul(rows).checked_div(bytes).unwrap_or(DECODE_ROWS).clamp(1, DECODE_ROWS)
}

/// The event times of a batch, in milliseconds since 1970.
pub(crate) fn event_times(batch: &RecordBatch) -> Result<&[i64], LakeError> {
    timestamps(batch, EVENT_TIME)
}

/// The values of a timestamp column in milliseconds since 1970. Where the column is null, the slice holds an
/// arbitrary value; check the column's null bitmap.
pub(crate) fn timestamps<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a [i64], LakeError> {
    let column = batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<TimestampMillisecondType>());
    let column = column.ok_or_else(|| LakeError::Invalid(format!("a batch has no timestamp column {name}")))?;
    Ok(column.values())
}

/// Converts a batch to exactly the table's columns. A column that an older file lacks becomes null, a column of
/// another type is cast, and a column that the table does not have is dropped.
pub(crate) fn conform(table: Table, batch: &RecordBatch) -> Result<RecordBatch, LakeError> {
    let schema = table.schema();
    if batch.schema() == schema {
        return Ok(batch.clone());
    }
    let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
        None => Ok(new_null_array(field.data_type(), batch.num_rows())),
        Some(column) if column.data_type() == field.data_type() => Ok(Arc::clone(column)),
        Some(column) => Ok(cast(column, field.data_type())?),
    });
    Ok(RecordBatch::try_new(Arc::clone(&schema), columns.collect::<Result<_, LakeError>>()?)?)
}
