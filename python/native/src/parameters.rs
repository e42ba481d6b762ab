//! Python values as bound parameters.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use oktant_base::codes;
use oktant_sql::{Param, Params};
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyBytes, PyDate, PyDateTime, PyFloat, PyFrozenSet, PyInt, PyList, PyMapping, PySequence, PySet, PyString,
    PyTuple,
};

use crate::failure::Failure;

/// Values by position from a sequence, by name from a mapping.
pub(crate) fn params(parameters: Option<&Bound<'_, PyAny>>) -> PyResult<Params> {
    let Some(parameters) = parameters else { return Ok(Params::None) };
    if let Ok(mapping) = parameters.cast::<PyMapping>() {
        let named = mapping.items()?.iter().map(|item| {
            let (name, value): (String, Bound<'_, PyAny>) = item.extract()?;
            Ok((name, param(&value)?))
        });
        return Ok(some_or_none(named.collect::<PyResult<Vec<_>>>()?, Params::Named));
    }
    let is_text = parameters.is_instance_of::<PyString>() || parameters.is_instance_of::<PyBytes>();
    match parameters.cast::<PySequence>() {
        Ok(sequence) if !is_text => {
            let values = sequence.try_iter()?.map(|value| param(&value?)).collect::<PyResult<Vec<_>>>()?;
            Ok(some_or_none(values, Params::Positional))
        }
        _ => Err(Failure::new(codes::OKT3007, "parameters are neither a sequence nor a mapping").into()),
    }
}

/// Drivers pass an empty sequence for a statement without parameters.
fn some_or_none<T>(values: Vec<T>, wrap: impl FnOnce(Vec<T>) -> Params) -> Params {
    if values.is_empty() { Params::None } else { wrap(values) }
}

fn param(value: &Bound<'_, PyAny>) -> PyResult<Param> {
    let is_list = value.is_instance_of::<PyList>()
        || value.is_instance_of::<PyTuple>()
        || value.is_instance_of::<PySet>()
        || value.is_instance_of::<PyFrozenSet>();
    if is_list {
        return Ok(Param::List(value.try_iter()?.map(|item| scalar(&item?)).collect::<PyResult<_>>()?));
    }
    scalar(value).map(Param::Value)
}

fn scalar(value: &Bound<'_, PyAny>) -> PyResult<ScalarValue> {
    if value.is_none() {
        return Ok(ScalarValue::Null);
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(ScalarValue::Utf8(Some(text.to_str()?.to_owned())));
    }
    // `bool` is a subclass of `int`, and `datetime` of `date`: the narrower one first.
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(ScalarValue::Boolean(Some(flag.is_true())));
    }
    if value.is_instance_of::<PyInt>() {
        let number = value.extract::<i64>().map_err(|_| unbindable(value, "is outside the range of BIGINT"))?;
        return Ok(ScalarValue::Int64(Some(number)));
    }
    if value.is_instance_of::<PyFloat>() {
        return Ok(ScalarValue::Float64(Some(value.extract()?)));
    }
    if value.is_instance_of::<PyDateTime>() {
        return timestamp(value);
    }
    if value.is_instance_of::<PyDate>() {
        return date(value);
    }
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(ScalarValue::Binary(Some(bytes.as_bytes().to_vec())));
    }
    other(value)
}

/// A moment in UTC; one without a zone is taken to be in UTC, as everything that the org says is.
fn timestamp(value: &Bound<'_, PyAny>) -> PyResult<ScalarValue> {
    let py = value.py();
    let utc = pyo3::types::PyTzInfo::utc(py)?;
    let aware = if value.getattr("tzinfo")?.is_none() {
        let kwargs = pyo3::types::PyDict::new(py);
        kwargs.set_item("tzinfo", utc)?;
        value.call_method("replace", (), Some(&kwargs))?
    } else {
        value.call_method1("astimezone", (utc,))?
    };
    let part = |name: &str| aware.getattr(name)?.extract::<u32>();
    let moment = chrono::NaiveDate::from_ymd_opt(aware.getattr("year")?.extract()?, part("month")?, part("day")?)
        .and_then(|day| {
            let clock = |name| part(name).ok();
            day.and_hms_micro_opt(clock("hour")?, clock("minute")?, clock("second")?, clock("microsecond")?)
        })
        .ok_or_else(|| unbindable(value, "is not a moment"))?;
    let zone: Arc<str> = "UTC".into();
    Ok(ScalarValue::TimestampMicrosecond(Some(moment.and_utc().timestamp_micros()), Some(zone)))
}

fn date(value: &Bound<'_, PyAny>) -> PyResult<ScalarValue> {
    const ORDINAL_OF_1970: i32 = 719_163;
    let ordinal: i32 = value.call_method0("toordinal")?.extract()?;
    Ok(ScalarValue::Date32(Some(ordinal - ORDINAL_OF_1970)))
}

/// Numbers of other libraries by their index or float protocol, and UUIDs, decimals and enumerations.
fn other(value: &Bound<'_, PyAny>) -> PyResult<ScalarValue> {
    let name = value.get_type().name()?.to_string();
    match name.as_str() {
        "UUID" => return Ok(ScalarValue::Utf8(Some(value.str()?.to_string()))),
        "Decimal" => return Ok(ScalarValue::Float64(Some(value.call_method0("__float__")?.extract()?))),
        _ => {}
    }
    if value.hasattr("__index__")? {
        return Ok(ScalarValue::Int64(Some(value.call_method0("__index__")?.extract()?)));
    }
    if value.hasattr("__float__")? {
        return Ok(ScalarValue::Float64(Some(value.call_method0("__float__")?.extract()?)));
    }
    Err(unbindable(value, "has no type in SQL").into())
}

fn unbindable(value: &Bound<'_, PyAny>, why: &str) -> Failure {
    let kind = value.get_type().name().map_or_else(|_| "value".to_owned(), |name| name.to_string());
    Failure::new(codes::OKT3007, format!("a parameter of type {kind} cannot be bound: it {why}"))
}
