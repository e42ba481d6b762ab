//! Between the types of PostgreSQL's protocol and those of the engine.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema, SchemaRef, TimeUnit};
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime};
use datafusion::common::ScalarValue;
use oktant_sql::{Param, Params};
use pgwire::api::Type;
use pgwire::api::portal::{Format, Portal};
use pgwire::api::results::FieldInfo;
use pgwire::error::PgWireResult;

use super::failure;

/// The engine's type of a declared parameter; `None` where the client leaves it to us.
pub(super) fn data_type(declared: &Type) -> Option<DataType> {
    Some(match *declared {
        Type::BOOL => DataType::Boolean,
        Type::INT2 => DataType::Int16,
        Type::INT4 => DataType::Int32,
        Type::INT8 => DataType::Int64,
        Type::FLOAT4 => DataType::Float32,
        Type::FLOAT8 | Type::NUMERIC => DataType::Float64,
        Type::DATE => DataType::Date32,
        Type::TIMESTAMP => DataType::Timestamp(TimeUnit::Microsecond, None),
        Type::TIMESTAMPTZ => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::JSON | Type::JSONB => DataType::Utf8,
        _ => return None,
    })
}

/// The type to announce for a parameter of which the engine says this.
pub(super) fn parameter_type(inferred: &DataType) -> Type {
    match arrow_pg::datatypes::into_pg_type(inferred) {
        Ok(known) if data_type(&known).is_some() => known,
        _ => Type::TEXT,
    }
}

/// The values that a client has bound, for parameters announced as `types`.
pub(super) fn parameters<S: Clone>(portal: &Portal<S>, types: &[Type]) -> PgWireResult<Params> {
    if portal.parameter_len() != types.len() {
        let message =
            format!("{} parameters are bound, but the statement takes {}", portal.parameter_len(), types.len());
        return Err(failure::protocol(message));
    }
    if types.is_empty() {
        return Ok(Params::None);
    }
    let values = types.iter().enumerate().map(|(index, kind)| parameter(portal, index, kind).map(Param::Value));
    Ok(Params::Positional(values.collect::<PgWireResult<_>>()?))
}

fn parameter<S: Clone>(portal: &Portal<S>, index: usize, kind: &Type) -> PgWireResult<ScalarValue> {
    Ok(match *kind {
        Type::BOOL => ScalarValue::Boolean(portal.parameter::<bool>(index, kind)?),
        Type::INT2 => ScalarValue::Int16(portal.parameter::<i16>(index, kind)?),
        Type::INT4 => ScalarValue::Int32(portal.parameter::<i32>(index, kind)?),
        Type::INT8 => ScalarValue::Int64(portal.parameter::<i64>(index, kind)?),
        Type::FLOAT4 => ScalarValue::Float32(portal.parameter::<f32>(index, kind)?),
        Type::FLOAT8 => ScalarValue::Float64(portal.parameter::<f64>(index, kind)?),
        Type::NUMERIC => {
            let number = portal.parameter::<rust_decimal::Decimal>(index, kind)?;
            ScalarValue::Float64(number.map(f64::try_from).transpose().map_err(failure::value)?)
        }
        Type::DATE => {
            let date = portal.parameter::<NaiveDate>(index, kind)?;
            ScalarValue::Date32(date.map(|date| (date - NaiveDate::default()).num_days() as i32))
        }
        Type::TIMESTAMP => {
            let instant = portal.parameter::<NaiveDateTime>(index, kind)?;
            ScalarValue::TimestampMicrosecond(instant.map(|instant| instant.and_utc().timestamp_micros()), None)
        }
        Type::TIMESTAMPTZ => {
            let instant = portal.parameter::<DateTime<FixedOffset>>(index, kind)?;
            let micros = instant.map(|instant| instant.timestamp_micros());
            ScalarValue::TimestampMicrosecond(micros, Some("UTC".into()))
        }
        _ => ScalarValue::Utf8(text(portal, index)?),
    })
}

/// A value whose two formats are the same: text.
fn text<S: Clone>(portal: &Portal<S>, index: usize) -> PgWireResult<Option<String>> {
    let bytes = portal.parameters.get(index).cloned().flatten();
    bytes.map(|bytes| String::from_utf8(bytes.to_vec()).map_err(failure::value)).transpose()
}

/// The columns as the protocol describes them.
pub(super) fn fields(schema: &Schema, format: &Format) -> PgWireResult<Vec<FieldInfo>> {
    let fields = arrow_pg::datatypes::arrow_schema_to_pg_fields(&shown(schema), format, None)?;
    Ok(fields.into_iter().map(sized).collect())
}

/// Columns of types that the protocol cannot carry are shown as text.
pub(super) fn shown(schema: &Schema) -> Schema {
    let field = |field: &Arc<arrow::datatypes::Field>| match arrow_pg::datatypes::into_pg_type(field.data_type()) {
        Ok(kind) if kind != Type::UNKNOWN => Arc::clone(field),
        _ => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8)),
    };
    Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>())
}

/// A batch with the types that the columns were described with.
pub(super) fn conformed(batch: &RecordBatch, described: &SchemaRef) -> Result<RecordBatch, arrow::error::ArrowError> {
    let columns = batch.columns().iter().zip(described.fields());
    let columns = columns.map(|(column, field)| {
        if column.data_type() == field.data_type() { Ok(Arc::clone(column)) } else { cast(column, field.data_type()) }
    });
    RecordBatch::try_new(Arc::clone(described), columns.collect::<Result<_, _>>()?)
}

/// With the width that clients show as the column's size.
fn sized(field: FieldInfo) -> FieldInfo {
    let size = match *field.datatype() {
        Type::BOOL => 1,
        Type::INT2 => 2,
        Type::INT4 | Type::FLOAT4 | Type::DATE => 4,
        Type::INT8 | Type::FLOAT8 | Type::TIMESTAMP | Type::TIMESTAMPTZ | Type::TIME => 8,
        _ => -1,
    };
    field.with_type_size(size)
}
