//! What the shell's own commands show, as rows, so that `.output` applies to them too.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray, UInt64Array};
use oktant_catalog::ColumnType;
use oktant_client::Entry;
use oktant_sql::{ColumnInfo, Session, TableInfo};
use percent_encoding::percent_decode_str;

use crate::failure::{Error, Result};
use crate::output::Format;

/// The tables of the session.
pub(super) fn tables(session: &Session) -> Result<RecordBatch> {
    let tables = session.tables();
    batch([
        ("Table", text(tables.iter().map(TableInfo::full_name))),
        ("Key", text(tables.iter().map(|table| table.key.join(", ")))),
        ("Scopes", text(tables.iter().map(|table| table.scopes.join(", ")))),
    ])
}

/// The columns of one table.
pub(super) fn columns(columns: &[ColumnInfo]) -> Result<RecordBatch> {
    let shown: Vec<&ColumnInfo> = columns.iter().filter(|column| !column.hidden).collect();
    let flags = |flag: fn(&ColumnInfo) -> bool| -> ArrayRef {
        Arc::new(shown.iter().map(|column| Some(flag(column))).collect::<BooleanArray>())
    };
    batch([
        ("Column", text(shown.iter().map(|column| column.name.as_str()))),
        ("Type", text(shown.iter().map(|column| type_name(column.data_type)))),
        ("Key", flags(|column| column.key)),
        ("Nullable", flags(|column| column.nullable)),
        ("Custom", flags(|column| column.custom)),
        ("Values", text(shown.iter().map(|column| column.values.join(", ")))),
    ])
}

/// The requests of one statement, decoded for reading.
pub(super) fn requests(entries: &[Entry]) -> Result<RecordBatch> {
    let numbers = |number: fn(&Entry) -> u64| -> ArrayRef {
        Arc::new(entries.iter().map(|entry| Some(number(entry))).collect::<UInt64Array>())
    };
    let status = |entry: &Entry| entry.status.map(u64::from);
    let target = |entry: &Entry| match entry.query.as_str() {
        "" => format!("{} {}", entry.method, entry.path),
        query => {
            let query = percent_decode_str(query).decode_utf8_lossy();
            format!("{} {}?{query}", entry.method, entry.path)
        }
    };
    batch([
        ("Request", text(entries.iter().map(target))),
        ("Status", Arc::new(entries.iter().map(status).collect::<UInt64Array>())),
        ("Attempt", numbers(|entry| u64::from(entry.attempt))),
        ("Ms", numbers(|entry| entry.elapsed_ms)),
        ("Bytes", numbers(|entry| entry.bytes)),
        ("Rows", numbers(|entry| entry.rows)),
        ("Bucket", text(entries.iter().map(|entry| entry.bucket.as_str()))),
    ])
}

fn text<T: AsRef<str>>(values: impl Iterator<Item = T>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> Result<RecordBatch> {
    RecordBatch::try_from_iter(columns).map_err(|source| Error::Encode { format: Format::Table, source }.into())
}

fn type_name(data_type: ColumnType) -> &'static str {
    match data_type {
        ColumnType::Text => "VARCHAR",
        ColumnType::Timestamp => "TIMESTAMP",
        ColumnType::Date => "DATE",
        ColumnType::Integer => "INTEGER",
        ColumnType::BigInt => "BIGINT",
        ColumnType::Double => "DOUBLE",
        ColumnType::Boolean => "BOOLEAN",
        ColumnType::Json => "JSON",
    }
}
