//! Arrow builders that refuse values of another JSON type.

use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBuilder, Date32Builder, Float64Builder, Int32Builder, Int64Builder, StringArray,
    StringBuilder, TimestampMillisecondBuilder,
};
use oktant_catalog::ColumnType;

use super::instant;

/// The builder of one column.
pub(super) enum ColumnBuilder {
    Text(StringBuilder),
    Json(StringBuilder),
    Timestamp(TimestampMillisecondBuilder),
    Date(Date32Builder),
    Integer(Int32Builder),
    BigInt(Int64Builder),
    Double(Float64Builder),
    Boolean(BooleanBuilder),
}

/// A scalar of JSON other than null.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scalar<'a> {
    Text(&'a str),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Boolean(bool),
}

/// Whether a value was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    Yes,
    /// Its JSON type is not the column's.
    Mismatch,
}

macro_rules! each {
    ($self:expr, $builder:ident => $body:expr) => {
        match $self {
            Self::Text($builder) | Self::Json($builder) => $body,
            Self::Timestamp($builder) => $body,
            Self::Date($builder) => $body,
            Self::Integer($builder) => $body,
            Self::BigInt($builder) => $body,
            Self::Double($builder) => $body,
            Self::Boolean($builder) => $body,
        }
    };
}

impl ColumnBuilder {
    pub(super) fn new(data_type: ColumnType) -> Self {
        match data_type {
            ColumnType::Text => Self::Text(StringBuilder::new()),
            ColumnType::Json => Self::Json(StringBuilder::new()),
            ColumnType::Timestamp => Self::Timestamp(TimestampMillisecondBuilder::new().with_timezone("UTC")),
            ColumnType::Date => Self::Date(Date32Builder::new()),
            ColumnType::Integer => Self::Integer(Int32Builder::new()),
            ColumnType::BigInt => Self::BigInt(Int64Builder::new()),
            ColumnType::Double => Self::Double(Float64Builder::new()),
            ColumnType::Boolean => Self::Boolean(BooleanBuilder::new()),
        }
    }

    pub(super) fn len(&self) -> usize {
        each!(self, builder => builder.len())
    }

    pub(super) fn is_json(&self) -> bool {
        matches!(self, Self::Json(_))
    }

    pub(super) fn append_null(&mut self) {
        each!(self, builder => builder.append_null());
    }

    pub(super) fn finish(&mut self) -> ArrayRef {
        each!(self, builder => Arc::new(builder.finish()))
    }

    /// Appends JSON text.
    pub(super) fn append_json(&mut self, text: &str) {
        if let Self::Json(builder) = self {
            builder.append_value(text);
        }
    }

    /// Appends a value if it is of the column's type.
    pub(super) fn append(&mut self, value: Scalar<'_>) -> Taken {
        match (self, value) {
            (Self::Text(builder), Scalar::Text(text)) => builder.append_value(text),
            (Self::Boolean(builder), Scalar::Boolean(value)) => builder.append_value(value),
            (Self::Timestamp(builder), Scalar::Text(text)) => match instant::milliseconds(text) {
                Some(instant) => builder.append_value(instant),
                // Some endpoints write an unset instant as an empty text.
                None if text.is_empty() => builder.append_null(),
                None => return Taken::Mismatch,
            },
            (Self::Date(builder), Scalar::Text(text)) => match instant::days(text) {
                Some(days) => builder.append_value(days),
                None if text.is_empty() => builder.append_null(),
                None => return Taken::Mismatch,
            },
            (Self::Integer(builder), value) => match value.integer().and_then(|value| i32::try_from(value).ok()) {
                Some(value) => builder.append_value(value),
                None => return Taken::Mismatch,
            },
            (Self::BigInt(builder), value) => match value.integer() {
                Some(value) => builder.append_value(value),
                None => return Taken::Mismatch,
            },
            (Self::Double(builder), value) => match value.float() {
                Some(value) => builder.append_value(value),
                None => return Taken::Mismatch,
            },
            _ => return Taken::Mismatch,
        }
        Taken::Yes
    }
}

impl Scalar<'_> {
    fn integer(self) -> Option<i64> {
        match self {
            Self::Signed(value) => Some(value),
            Self::Unsigned(value) => i64::try_from(value).ok(),
            Self::Float(value) if value.fract() == 0.0 && value.abs() < 9e15 => Some(value as i64),
            _ => None,
        }
    }

    fn float(self) -> Option<f64> {
        match self {
            Self::Signed(value) => Some(value as f64),
            Self::Unsigned(value) => Some(value as f64),
            Self::Float(value) => Some(value),
            _ => None,
        }
    }
}

/// A text column that holds `value` in every row.
pub(super) fn repeat(value: &str, rows: usize) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(std::iter::repeat_n(value, rows)))
}
