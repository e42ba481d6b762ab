//! Values as the judge sees them: from the inputs of cards to what they are given, and from what bodies return to
//! outputs.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use oktant_base::{Clock, Entropy, OsEntropy, Timestamp};
use oktant_engine::{CardError, ErrorKind, Field, Fields};
use oktant_flow::model::*;
use oktant_functions::{self as functions, Flags, FunctionError, Value};

use super::judge::{End, Frame};

/// What the helper flow of a loop is given for an element.
pub(super) fn element_inputs(frame: &Frame<'_>, repeat: &Loop, element: &Value) -> Result<Fields, CardError> {
    let mut given = Fields::new();
    let pairs = repeat.mode == LoopMode::MapObject;
    if pairs && let Some(pair) = element.as_object() {
        pair.iter().for_each(|(key, value)| given.set(None, key, value.clone()));
    }
    for input in &repeat.inputs {
        let value = match &input.value {
            HelperValue::Item if pairs => continue,
            HelperValue::Item => element.clone(),
            HelperValue::Field(_) if pairs => Value::Null,
            HelperValue::Field(path) => functions::path::get(element, path).cloned().unwrap_or_default(),
            HelperValue::Same(source) => {
                typed(frame, source, input.ty).map_err(|error| wrong(&error.at(&input.key)))?
            }
        };
        let value = functions::convert(&value, &target(input.ty), Flags::default());
        given.set(None, &input.key, value.map_err(|error| wrong(&error.at(&input.key)))?);
    }
    Ok(given)
}

/// The parameters of a flow from what it is given, defaults filled in.
pub(super) fn trigger(flow: &Flow, given: impl Fn(Option<&str>, &str) -> Option<Value>) -> Result<Fields, CardError> {
    let mut fields = Vec::new();
    for output in &flow.trigger.outputs {
        let (group, key) = (output.slot.group.as_deref(), output.slot.key.as_str());
        let value = given(group, key).filter(|value| *value != Value::Null);
        let value = value.unwrap_or_else(|| constant(&output.default));
        let value = functions::convert(&value, &target(output.ty), Flags::default());
        fields.push(Field::new(group.map(Into::into), key, value.map_err(|error| wrong(&error.at(key)))?));
    }
    Ok(fields.into_iter().collect())
}

/// What the caller of a body gets.
pub(super) fn returned(end: End) -> Fields {
    match end {
        End::Returned(fields) => fields,
        End::Stopped(Some(message)) => {
            let mut fields = Fields::new();
            fields.set(None, "message", Value::text(message));
            fields
        }
        _ => Fields::new(),
    }
}

pub(super) fn by_key(step: &Step, returned: &Fields) -> Fields {
    let value = |key: &str| returned.iter().find(|field| &*field.key == key).map(|field| field.value.clone());
    let output = |output: &Output| {
        let group = output.slot.group.as_deref().map(Into::into);
        Field::new(group, output.slot.key.as_str(), value(&output.slot.key).unwrap_or_default())
    };
    step.outputs.iter().map(output).collect()
}

pub(super) fn mapped(returned: &Fields) -> Value {
    match returned.len() {
        1 if returned.iter().all(|field| field.value.as_object().is_none()) => {
            returned.iter().next().unwrap().value.clone()
        }
        _ => returned.to_object(),
    }
}

pub(super) fn reduced(returned: &Fields, memo: &str) -> Value {
    match returned.len() {
        1 => returned.iter().next().unwrap().value.clone(),
        _ => returned.get(None, memo).cloned().unwrap_or_else(|| returned.to_object()),
    }
}

pub(super) fn inputs(frame: &Frame<'_>, inputs: &[Input], strict: bool) -> Result<Fields, CardError> {
    let field = |given: &Input| {
        let value = input(frame, given, strict)?;
        Ok(Field::new(given.slot.group.as_deref().map(Into::into), given.slot.key.as_str(), value))
    };
    inputs.iter().map(field).collect()
}

pub(super) fn input(frame: &Frame<'_>, input: &Input, strict: bool) -> Result<Value, CardError> {
    let value = typed(frame, &input.source, input.ty).map_err(|error| wrong(&error.at(&input.slot.key)))?;
    let missing = strict && input.required && value.is_null();
    if missing { Err(wrong(&FunctionError::missing(&input.slot.key))) } else { Ok(value) }
}

pub(super) fn holds(frame: &Frame<'_>, condition: &Condition) -> Result<bool, FunctionError> {
    let operator = condition.operator.parse()?;
    let [left, right] = [&condition.left, &condition.right].map(|side| typed(frame, &side.source, side.ty));
    functions::compare(operator, &left?, &right?)
}

pub(super) fn typed(frame: &Frame<'_>, from: &Source, ty: Type) -> Result<Value, FunctionError> {
    functions::convert(&source(frame, from)?, &target(ty), Flags::default())
}

pub(super) fn source(frame: &Frame<'_>, source: &Source) -> Result<Value, FunctionError> {
    Ok(match source {
        Source::Empty => Value::Null,
        Source::Constant(json) => constant(json),
        Source::Reference(reference) => self::reference(frame, reference)?,
        Source::Template(parts) => {
            let mut text = String::new();
            for part in parts {
                text += &match part {
                    Part::Text(literal) => literal.clone(),
                    Part::Value(operand) => functions::to_text(&typed(frame, &operand.source, operand.ty)?),
                };
            }
            Value::text(text)
        }
        Source::Flow(id) => Value::text(id.as_str()),
        Source::Table(id) => Value::text(id.as_str()),
        Source::Where(terms) => {
            let mut list = Vec::new();
            for term in terms {
                list.push(Value::object([
                    ("lhs", Value::text(term.column.as_str())),
                    ("op", Value::text(term.operator.as_str())),
                    ("rhs", typed(frame, &term.value, term.ty)?),
                    ("join", Value::text(if term.or { "OR" } else { "AND" })),
                ]));
            }
            Value::object([("expr", Value::list(list))])
        }
    })
}

pub(super) fn reference(frame: &Frame<'_>, reference: &Reference) -> Result<Value, FunctionError> {
    let slot = &reference.slot;
    let mut value = frame
        .values
        .get(reference.step.as_str())
        .and_then(|fields| fields.get(slot.group.as_deref(), &slot.key).cloned())
        .unwrap_or_default();
    for key in &reference.path {
        value = match &value {
            Value::Object(object) => object.get(key.as_str()).cloned().unwrap_or_default(),
            Value::List(list) => key.parse().ok().and_then(|at: usize| list.get(at).cloned()).unwrap_or_default(),
            _ => Value::Null,
        };
    }
    let Some(convert) = reference.convert.filter(|_| !value.is_null()) else { return Ok(value) };
    let to = |ty| functions::convert(&value, &ty, Flags::default());
    let listed = |value: Value| if let Value::List(_) | Value::Null = value { value } else { Value::list([value]) };
    let converted = match convert.how {
        Conversion::Parse => match &value {
            Value::Text(text) if text.trim().is_empty() => Value::Null,
            Value::Text(text) => Value::from_json(text)
                .map_err(|error| FunctionError::invalid(format!("the text is no JSON: {error}")))?,
            other => other.clone(),
        },
        Conversion::Stringify => Value::text(value.to_json()),
        Conversion::ToString | Conversion::IsoString | Conversion::BooleanToString => to(functions::Type::Text)?,
        Conversion::ParseFloat => to(functions::Type::Number)?,
        Conversion::DateTime => to(functions::Type::Date)?,
        Conversion::WrapArray => listed(value.clone()),
    };
    Ok(if convert.wrap { listed(converted) } else { converted })
}

pub(super) fn wrong(error: &FunctionError) -> CardError {
    CardError { code: Some(Value::text(error.code.id())), ..CardError::new(ErrorKind::Input, error.message.clone()) }
}

pub(super) fn name(group: Option<&str>, key: &str) -> functions::Name {
    functions::Name { group: group.map(Into::into), key: key.into() }
}

pub(super) fn target(ty: Type) -> functions::Type {
    let one = match ty.base {
        Base::Text | Base::Flow | Base::Folder => functions::Type::Text,
        Base::Number => functions::Type::Number,
        Base::Boolean => functions::Type::Boolean,
        Base::Date => functions::Type::Date,
        Base::Object => functions::Type::Object,
        Base::File => functions::Type::File,
    };
    if ty.list { functions::Type::list(one) } else { one }
}

pub(super) fn constant(json: &serde_json::Value) -> Value {
    Value::from_json(&json.to_string()).unwrap()
}

/// Fields in a form that can be compared: NaN is itself there.
pub(super) fn shown(fields: &Fields) -> String {
    let mut text = String::new();
    for field in fields.iter() {
        writeln!(text, "{:?}/{} = {:?}", field.group, field.key, field.value).unwrap();
    }
    text
}

/// A clock and a source of chance that tell whether they were asked.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub(super) asked: AtomicBool,
}

impl Clock for Watch {
    fn now(&self) -> Timestamp {
        self.asked.store(true, Ordering::Relaxed);
        "2026-01-15T12:00:00Z".parse().unwrap()
    }

    fn sleep(&self, _duration: Duration) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        unreachable!("no function sleeps")
    }
}

impl Entropy for Watch {
    fn fill(&self, bytes: &mut [u8]) {
        self.asked.store(true, Ordering::Relaxed);
        OsEntropy.fill(bytes);
    }
}
