//! Arrow schemas of the tables. `bluetick_schema` defines the columns.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

pub(crate) use bluetick_schema::STATEMENT_HASH;
pub use bluetick_schema::{Column, ColumnType, Table, UnknownTable};

static SCHEMAS: LazyLock<[SchemaRef; Table::ALL.len()]> = LazyLock::new(|| Table::ALL.map(build_schema));

/// Provides the Arrow schema of a table's files: the columns in order, without the partition column.
pub trait ArrowSchema {
    /// The schema. Every call returns the same shared object.
    fn schema(self) -> SchemaRef;
}

impl ArrowSchema for Table {
    fn schema(self) -> SchemaRef {
        // `Table::ALL` lists the variants in declaration order, so the discriminant is the index.
        SCHEMAS.get(self as usize).map_or_else(|| build_schema(self), Arc::clone)
    }
}

fn build_schema(table: Table) -> SchemaRef {
    let fields =
        table.columns().iter().map(|column| Field::new(column.name, arrow_type(column.kind), !column.required));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The Arrow type for a column type.
pub(crate) fn arrow_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::String => DataType::Utf8,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        ColumnType::BigInt => DataType::Int64,
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::StringList => DataType::List(Arc::new(Field::new("element", DataType::Utf8, true))),
        // The field names are those of the Parquet specification.
        ColumnType::StringMap => {
            let pair = [Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Utf8, true)];
            DataType::Map(Arc::new(Field::new_struct("key_value", pair.to_vec(), false)), false)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_table_has_its_own_schema() {
        for table in Table::ALL {
            let schema = table.schema();
            let columns: Vec<_> =
                schema.fields().iter().map(|field| (field.name().as_str(), !field.is_nullable())).collect();
            let defined: Vec<_> = table.columns().iter().map(|column| (column.name, column.required)).collect();
            assert_eq!(columns, defined, "{table}");
        }
    }
}
