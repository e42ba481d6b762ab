//! Record batches as the columns and text cells that Snowflake's clients read.

use std::fmt::Write as _;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Field, Int64Type, Schema, Time64NanosecondType, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use oktant_sql::relation::arrow_type;
use oktant_sql::{ColumnInfo, json_text};
use oktant_warehouse::{Column, ColumnType};

/// One row as clients read it.
pub(crate) type Row = Vec<Option<String>>;

/// Minutes that stand for an offset of none in a cell of type `timestamp_tz`.
const OFFSET_NONE: &str = " 1440";

/// The columns of a result.
pub(crate) fn columns(schema: &Schema) -> Vec<Column> {
    schema.fields().iter().map(|field| column(field)).collect()
}

/// A column of a table as a result has it.
pub(crate) fn table_column(info: &ColumnInfo) -> Column {
    column(&Field::new(&info.name, arrow_type(info.data_type), info.nullable))
}

fn column(field: &Field) -> Column {
    let column = Column::new(field.name(), column_type(field.data_type()));
    let (precision, scale) = match field.data_type() {
        DataType::Decimal128(precision, scale) => (Some(*precision), u8::try_from(*scale).ok()),
        DataType::Timestamp(unit, _) => (Some(0), Some(digits(*unit))),
        _ => (column.precision, column.scale),
    };
    Column { nullable: field.is_nullable(), precision, scale, ..column }
}

fn column_type(data_type: &DataType) -> ColumnType {
    match data_type {
        DataType::Boolean => ColumnType::Boolean,
        DataType::Decimal128(_, scale) if *scale >= 0 => ColumnType::Fixed,
        integer if integer.is_integer() => ColumnType::Fixed,
        float if float.is_floating() => ColumnType::Real,
        DataType::Date32 | DataType::Date64 => ColumnType::Date,
        DataType::Time32(_) | DataType::Time64(_) => ColumnType::Time,
        DataType::Timestamp(_, None) => ColumnType::TimestampNtz,
        DataType::Timestamp(_, Some(_)) => ColumnType::TimestampTz,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            ColumnType::Binary
        }
        DataType::Struct(_) | DataType::Map(..) => ColumnType::Object,
        nested if nested.is_nested() => ColumnType::Array,
        DataType::Dictionary(_, values) => column_type(values),
        _ => ColumnType::Text,
    }
}

/// Appends the rows of a batch.
///
/// # Errors
///
/// If a column cannot be shown.
pub(crate) fn append(batch: &RecordBatch, rows: &mut Vec<Row>) -> Result<(), ArrowError> {
    let columns = batch.columns().iter().map(cells).collect::<Result<Vec<_>, _>>()?;
    let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
    let row = |_| columns.iter_mut().map(|column| column.next().flatten()).collect();
    rows.extend((0..batch.num_rows()).map(row));
    Ok(())
}

/// The cells of one column.
fn cells(array: &ArrayRef) -> Result<Row, ArrowError> {
    Ok(match array.data_type() {
        DataType::Boolean => {
            let flag = |flag: bool| if flag { "1" } else { "0" }.to_owned();
            array.as_boolean().iter().map(|value| value.map(flag)).collect()
        }
        DataType::Date32 | DataType::Date64 => {
            let days = cast(array, &DataType::Date32)?;
            days.as_primitive::<Date32Type>().iter().map(|days| days.map(|days| days.to_string())).collect()
        }
        DataType::Time32(_) | DataType::Time64(_) => {
            let time = cast(array, &DataType::Time64(TimeUnit::Nanosecond))?;
            let time = time.as_primitive::<Time64NanosecondType>();
            time.iter().map(|value| value.map(|value| seconds(value, 9))).collect()
        }
        DataType::Timestamp(unit, zone) => {
            let suffix = if zone.is_some() { OFFSET_NONE } else { "" };
            let shown = |value: i64| seconds(value, digits(*unit)) + suffix;
            instants(array, *unit).into_iter().map(|value| value.map(shown)).collect()
        }
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            let bytes = cast(array, &DataType::Binary)?;
            bytes.as_binary::<i32>().iter().map(|value| value.map(hexadecimal)).collect()
        }
        DataType::Dictionary(_, values) => cells(&cast(array, values)?)?,
        nested if nested.is_nested() => json_text(array)?.iter().map(|value| value.map(str::to_owned)).collect(),
        integer if integer.is_signed_integer() => {
            let numbers = cast(array, &DataType::Int64)?;
            numbers.as_primitive::<Int64Type>().iter().map(|value| value.map(|value| value.to_string())).collect()
        }
        _ => displayed(array)?,
    })
}

fn displayed(array: &ArrayRef) -> Result<Row, ArrowError> {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(array, &options)?;
    (0..array.len())
        .map(|row| if array.is_null(row) { Ok(None) } else { formatter.value(row).try_to_string().map(Some) })
        .collect()
}

fn instants(array: &ArrayRef, unit: TimeUnit) -> Vec<Option<i64>> {
    match unit {
        TimeUnit::Second => array.as_primitive::<TimestampSecondType>().iter().collect(),
        TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().iter().collect(),
        TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().iter().collect(),
        TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().iter().collect(),
    }
}

/// Digits of a second's fraction.
const fn digits(unit: TimeUnit) -> u8 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    }
}

/// A number of fractions of a second as seconds with as many digits after the point. Before 1970 the
/// whole has a sign: -0.5 s is `-0.500`.
fn seconds(value: i64, digits: u8) -> String {
    if digits == 0 {
        return value.to_string();
    }
    let unit = 10_u64.pow(u32::from(digits));
    let (whole, fraction) = (value.unsigned_abs() / unit, value.unsigned_abs() % unit);
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{whole}.{fraction:0width$}", width = usize::from(digits))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, ListArray, StringArray,
        Time64MicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray, UInt64Array,
    };
    use arrow::datatypes::Int32Type;

    use super::*;

    #[track_caller]
    fn check(array: impl Array + 'static, expected_type: ColumnType, expected: &[Option<&str>]) {
        let array: ArrayRef = Arc::new(array);
        let field = Field::new("c", array.data_type().clone(), true);
        assert_eq!(column(&field).column_type, expected_type);
        let cells = cells(&array).unwrap();
        assert_eq!(cells.iter().map(Option::as_deref).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn cells_are_those_of_the_protocol() {
        check(
            BooleanArray::from(vec![Some(true), Some(false), None]),
            ColumnType::Boolean,
            &[Some("1"), Some("0"), None],
        );
        check(Int32Array::from(vec![Some(-7), None]), ColumnType::Fixed, &[Some("-7"), None]);
        check(UInt64Array::from(vec![u64::MAX]), ColumnType::Fixed, &[Some("18446744073709551615")]);
        let decimals = Decimal128Array::from(vec![1234]).with_precision_and_scale(10, 2).unwrap();
        check(decimals, ColumnType::Fixed, &[Some("12.34")]);
        check(Float64Array::from(vec![1.5]), ColumnType::Real, &[Some("1.5")]);
        check(StringArray::from(vec![Some("a"), None]), ColumnType::Text, &[Some("a"), None]);
        check(Date32Array::from(vec![19_000]), ColumnType::Date, &[Some("19000")]);
        check(Time64MicrosecondArray::from(vec![3_661_123_456]), ColumnType::Time, &[Some("3661.123456000")]);
        let naive = TimestampNanosecondArray::from(vec![1_641_600_000_123_456_789, -500_000_000]);
        check(naive, ColumnType::TimestampNtz, &[Some("1641600000.123456789"), Some("-0.500000000")]);
        let zoned = TimestampMillisecondArray::from(vec![1_641_600_000_123]).with_timezone("UTC");
        check(zoned, ColumnType::TimestampTz, &[Some("1641600000.123 1440")]);
        check(BinaryArray::from(vec![&b"\x00\xFF"[..]]), ColumnType::Binary, &[Some("00FF")]);
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None]);
        check(lists, ColumnType::Array, &[Some("[1,null]"), None]);
    }
}
