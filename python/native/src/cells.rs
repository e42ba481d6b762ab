//! Record batches to Python values, straight from the arrays.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DurationMicrosecondArray,
    Float64Array, Int64Array, RecordBatch, StringArray, StringViewArray, Time64MicrosecondArray,
    TimestampMicrosecondArray, UInt64Array,
};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, DurationMicrosecondType, Float64Type, Int64Type, Schema,
    Time64MicrosecondType, TimeUnit, TimestampMicrosecondType, UInt64Type,
};
use arrow::error::ArrowError;
use arrow::temporal_conversions::{date32_to_datetime, time64us_to_time, timestamp_us_to_datetime};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{Datelike, Timelike};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyBool, PyBytes, PyDate, PyDateTime, PyDelta, PyFloat, PyInt, PyList, PyString, PyTime, PyTuple, PyTzInfo,
};

use crate::failure::Failure;
use crate::json_text::json_text;

const MICROSECONDS: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// The columns of one batch, each in the one layout its Python type is made from.
pub(crate) struct Cells {
    columns: Vec<Cell>,
    rows: usize,
}

enum Cell {
    Null,
    Boolean(BooleanArray),
    Integer(Int64Array),
    Unsigned(UInt64Array),
    Float(Float64Array),
    Decimal(Decimal128Array),
    Text(StringArray),
    TextView(StringViewArray),
    Bytes(BinaryArray),
    Date(Date32Array),
    Time(Time64MicrosecondArray),
    Timestamp(TimestampMicrosecondArray),
    Duration(DurationMicrosecondArray),
}

impl Cells {
    /// Brings every column into the layout of its Python type. Needs no interpreter.
    pub(crate) fn new(batch: &RecordBatch) -> Result<Self, Failure> {
        let columns = batch
            .columns()
            .iter()
            .zip(batch.schema_ref().fields())
            .map(|(array, field)| {
                Cell::new(array).map_err(|error| {
                    Failure::internal(format!("column \"{}\" cannot be converted", field.name())).caused_by(&error)
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { columns, rows: batch.num_rows() })
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Appends the rows from `start` to before `end` to `rows`, a tuple each.
    ///
    /// # Errors
    ///
    /// `OKT3006` if a value is outside the range of Python's type.
    pub(crate) fn append(&self, rows: &Bound<'_, PyList>, start: usize, end: usize) -> Result<(), Failure> {
        let py = rows.py();
        for row in start..end {
            let values = self.columns.iter().map(|column| column.value(py, row)).collect::<Result<Vec<_>, _>>()?;
            let appended = PyTuple::new(py, values).and_then(|row| rows.append(row));
            appended.map_err(|error| Failure::internal("a row cannot be made").caused_by(&error))?;
        }
        Ok(())
    }
}

impl Cell {
    fn new(array: &ArrayRef) -> Result<Self, ArrowError> {
        let to = |data_type: &DataType| cast(array, data_type);
        Ok(match array.data_type() {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Boolean(array.as_boolean().clone()),
            DataType::UInt64 => Self::Unsigned(array.as_primitive::<UInt64Type>().clone()),
            integer if integer.is_integer() => Self::Integer(to(&DataType::Int64)?.as_primitive::<Int64Type>().clone()),
            float if float.is_floating() => Self::Float(to(&DataType::Float64)?.as_primitive::<Float64Type>().clone()),
            DataType::Decimal128(..) => Self::Decimal(array.as_primitive::<Decimal128Type>().clone()),
            DataType::Utf8 => Self::Text(array.as_string::<i32>().clone()),
            DataType::Utf8View => Self::TextView(array.as_string_view().clone()),
            DataType::LargeUtf8 => Self::TextView(to(&DataType::Utf8View)?.as_string_view().clone()),
            DataType::Dictionary(_, values) => Self::new(&to(values)?)?,
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
                Self::Bytes(to(&DataType::Binary)?.as_binary::<i32>().clone())
            }
            DataType::Date32 | DataType::Date64 => {
                Self::Date(to(&DataType::Date32)?.as_primitive::<Date32Type>().clone())
            }
            DataType::Time32(_) | DataType::Time64(_) => Self::Time(
                to(&DataType::Time64(TimeUnit::Microsecond))?.as_primitive::<Time64MicrosecondType>().clone(),
            ),
            DataType::Timestamp(..) => Self::Timestamp(
                to(&DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))?
                    .as_primitive::<TimestampMicrosecondType>()
                    .clone(),
            ),
            DataType::Duration(_) => Self::Duration(
                to(&DataType::Duration(TimeUnit::Microsecond))?.as_primitive::<DurationMicrosecondType>().clone(),
            ),
            nested if nested.is_nested() => Self::Text(json_text(array)?),
            _ => Self::Text(displayed(array)?),
        })
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Null => true,
            Self::Boolean(array) => array.is_null(row),
            Self::Integer(array) => array.is_null(row),
            Self::Unsigned(array) => array.is_null(row),
            Self::Float(array) => array.is_null(row),
            Self::Decimal(array) => array.is_null(row),
            Self::Text(array) => array.is_null(row),
            Self::TextView(array) => array.is_null(row),
            Self::Bytes(array) => array.is_null(row),
            Self::Date(array) => array.is_null(row),
            Self::Time(array) => array.is_null(row),
            Self::Timestamp(array) => array.is_null(row),
            Self::Duration(array) => array.is_null(row),
        }
    }

    fn value<'py>(&self, py: Python<'py>, row: usize) -> Result<Bound<'py, PyAny>, Failure> {
        if self.is_null(row) {
            return Ok(py.None().into_bound(py));
        }
        Ok(match self {
            Self::Null => py.None().into_bound(py),
            Self::Boolean(array) => PyBool::new(py, array.value(row)).to_owned().into_any(),
            Self::Integer(array) => PyInt::new(py, array.value(row)).into_any(),
            Self::Unsigned(array) => PyInt::new(py, array.value(row)).into_any(),
            Self::Float(array) => PyFloat::new(py, array.value(row)).into_any(),
            Self::Decimal(array) => decimal(py, &array.value_as_string(row))?,
            Self::Text(array) => PyString::new(py, array.value(row)).into_any(),
            Self::TextView(array) => PyString::new(py, array.value(row)).into_any(),
            Self::Bytes(array) => PyBytes::new(py, array.value(row)).into_any(),
            Self::Date(array) => date(py, array.value(row))?,
            Self::Time(array) => time(py, array.value(row))?,
            Self::Timestamp(array) => timestamp(py, array.value(row))?,
            Self::Duration(array) => duration(py, array.value(row))?,
        })
    }
}

/// The text of values that have no Python type of their own, such as calendar intervals.
fn displayed(array: &ArrayRef) -> Result<StringArray, ArrowError> {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(array, &options)?;
    (0..array.len()).map(|row| array.is_valid(row).then(|| formatter.value(row).try_to_string()).transpose()).collect()
}

fn decimal<'py>(py: Python<'py>, text: &str) -> Result<Bound<'py, PyAny>, Failure> {
    static DECIMAL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    DECIMAL
        .get_or_try_init(py, || Ok(py.import("decimal")?.getattr("Decimal")?.unbind()))
        .and_then(|class| class.bind(py).call1((text,)))
        .map_err(|error: PyErr| out_of_range("decimal").caused_by(&error))
}

fn date(py: Python<'_>, days: i32) -> Result<Bound<'_, PyAny>, Failure> {
    let made = date32_to_datetime(days).and_then(|at| {
        let date = at.date();
        PyDate::new(py, date.year(), date.month() as u8, date.day() as u8).ok()
    });
    made.map(Bound::into_any).ok_or_else(|| out_of_range("date"))
}

fn time(py: Python<'_>, micros: i64) -> Result<Bound<'_, PyAny>, Failure> {
    let made = time64us_to_time(micros).and_then(|time| {
        let (hour, minute, second) = (time.hour() as u8, time.minute() as u8, time.second() as u8);
        PyTime::new(py, hour, minute, second, time.nanosecond() / 1_000, None).ok()
    });
    made.map(Bound::into_any).ok_or_else(|| out_of_range("time"))
}

fn timestamp(py: Python<'_>, micros: i64) -> Result<Bound<'_, PyAny>, Failure> {
    static UTC: PyOnceLock<Py<PyTzInfo>> = PyOnceLock::new();
    let utc = UTC
        .get_or_try_init(py, || PyTzInfo::utc(py).map(|zone| zone.to_owned().unbind()))
        .map_err(|error| Failure::internal("there is no time zone").caused_by(&error))?
        .bind(py);
    let made = timestamp_us_to_datetime(micros).and_then(|at| {
        let (month, day) = (at.month() as u8, at.day() as u8);
        let (hour, minute, second) = (at.hour() as u8, at.minute() as u8, at.second() as u8);
        PyDateTime::new(py, at.year(), month, day, hour, minute, second, at.nanosecond() / 1_000, Some(utc)).ok()
    });
    made.map(Bound::into_any).ok_or_else(|| out_of_range("timestamp"))
}

fn duration(py: Python<'_>, micros: i64) -> Result<Bound<'_, PyAny>, Failure> {
    let seconds = micros.div_euclid(MICROSECONDS);
    let rest = seconds.rem_euclid(SECONDS_PER_DAY) as i32;
    let days = i32::try_from(seconds.div_euclid(SECONDS_PER_DAY)).ok();
    let made = days.and_then(|days| PyDelta::new(py, days, rest, micros.rem_euclid(MICROSECONDS) as i32, false).ok());
    made.map(Bound::into_any).ok_or_else(|| out_of_range("duration"))
}

fn out_of_range(kind: &str) -> Failure {
    Failure::new(oktant_base::codes::OKT3006, format!("a {kind} is outside the range of Python's type"))
}

/// The names of the SQL types of a schema, in the order of its columns.
pub(crate) fn type_names(schema: &Schema) -> Vec<&'static str> {
    schema.fields().iter().map(|field| type_name(field)).collect()
}

fn type_name(field: &Arc<arrow::datatypes::Field>) -> &'static str {
    if field.extension_type_name() == Some("arrow.json") {
        return "JSON";
    }
    match field.data_type() {
        DataType::Null => "NULL",
        DataType::Boolean => "BOOLEAN",
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => "BIGINT",
        integer if integer.is_integer() => "INTEGER",
        float if float.is_floating() => "DOUBLE",
        decimal if decimal.is_decimal() => "DECIMAL",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => "BINARY",
        DataType::Date32 | DataType::Date64 => "DATE",
        DataType::Time32(_) | DataType::Time64(_) => "TIME",
        DataType::Timestamp(..) => "TIMESTAMP",
        DataType::Duration(_) | DataType::Interval(_) => "INTERVAL",
        nested if nested.is_nested() => "JSON",
        _ => "VARCHAR",
    }
}
