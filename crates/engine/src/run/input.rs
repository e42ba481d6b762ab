//! From a card's inputs to their values.

use std::sync::Arc;

use oktant_flow::model::{
    Base, Condition, Conversion, Convert, Input, Operand, Part, Reference, Slot, Source, StepId, Term, Type,
};
use oktant_functions::{self as functions, Flags, FunctionError, Value};

use super::Frame;
use crate::action::{CardError, ErrorKind, Field, Fields};

/// The type of the functions that a declared type is.
pub(crate) fn target(ty: Type) -> functions::Type {
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

/// The value of a constant.
pub(crate) fn constant(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(truth) => Value::Boolean(*truth),
        serde_json::Value::Number(number) => Value::Number(number.as_f64().unwrap_or(f64::NAN)),
        serde_json::Value::String(text) => Value::text(text.as_str()),
        serde_json::Value::Array(items) => Value::list(items.iter().map(constant)),
        serde_json::Value::Object(entries) => {
            Value::object(entries.iter().map(|(key, value)| (key.as_str(), constant(value))))
        }
    }
}

/// The error of a card that cannot use an input.
pub(crate) fn input_error(error: &FunctionError) -> CardError {
    let mut card = CardError::new(ErrorKind::Input, error.message.clone());
    card.code = Some(Value::text(error.code.id()));
    card
}

impl Frame<'_> {
    /// The values of `inputs`, each converted to its type.
    ///
    /// With `strict`, a required one without a value is an error; the functions decide that by themselves.
    pub(crate) fn inputs(&self, inputs: &[Input], strict: bool) -> Result<Fields, CardError> {
        inputs
            .iter()
            .map(|input| {
                let value = self.input(input, strict)?;
                Ok(Field::new(input.slot.group.as_deref().map(Arc::from), input.slot.key.as_str(), value))
            })
            .collect()
    }

    /// The value of one input.
    pub(crate) fn input(&self, input: &Input, strict: bool) -> Result<Value, CardError> {
        let value = self.typed(&input.source, input.ty).map_err(|error| input_error(&error.at(&input.slot.key)))?;
        if strict && input.required && value.is_null() {
            return Err(input_error(&FunctionError::missing(&input.slot.key)));
        }
        Ok(value)
    }

    /// Whether the condition holds.
    pub(crate) fn holds(&self, condition: &Condition) -> Result<bool, CardError> {
        let decide = || {
            let operator = condition.operator.parse::<functions::Operator>()?;
            let (left, right) = (self.operand(&condition.left)?, self.operand(&condition.right)?);
            functions::compare(operator, &left, &right)
        };
        decide().map_err(|error| input_error(&error))
    }

    fn operand(&self, operand: &Operand) -> Result<Value, FunctionError> {
        self.typed(&operand.source, operand.ty)
    }

    /// The value of a source, converted to `ty`.
    pub(crate) fn typed(&self, source: &Source, ty: Type) -> Result<Value, FunctionError> {
        functions::convert(&self.source(source)?, &target(ty), Flags::default())
    }

    fn source(&self, source: &Source) -> Result<Value, FunctionError> {
        Ok(match source {
            Source::Empty => Value::Null,
            Source::Constant(json) => constant(json),
            Source::Reference(reference) => self.reference(reference)?,
            Source::Template(parts) => self.template(parts)?,
            Source::Flow(id) => Value::text(id.as_str()),
            Source::Table(id) => Value::text(id.as_str()),
            Source::Where(terms) => self.terms(terms)?,
        })
    }

    fn template(&self, parts: &[Part]) -> Result<Value, FunctionError> {
        let mut text = String::new();
        for part in parts {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Value(operand) => text.push_str(&functions::to_text(&self.operand(operand)?)),
            }
        }
        Ok(Value::text(text))
    }

    /// A condition on the rows of a table, in the form that flopacks have: `{"expr": [{lhs, op, rhs, join}…]}`.
    fn terms(&self, terms: &[Term]) -> Result<Value, FunctionError> {
        let term = |term: &Term| {
            let value = self.typed(&term.value, term.ty)?;
            Ok(Value::object([
                ("lhs", Value::text(term.column.as_str())),
                ("op", Value::text(term.operator.as_str())),
                ("rhs", value),
                ("join", Value::text(if term.or { "OR" } else { "AND" })),
            ]))
        };
        let terms = terms.iter().map(term).collect::<Result<Vec<_>, FunctionError>>()?;
        Ok(Value::object([("expr", Value::list(terms))]))
    }

    /// The value of an output of an earlier step.
    pub(crate) fn reference(&self, reference: &Reference) -> Result<Value, FunctionError> {
        let mut value = self.output(&reference.step, &reference.slot);
        for key in &reference.path {
            value = value.and_then(|value| inside(value, key));
        }
        let value = value.cloned().unwrap_or_default();
        match reference.convert {
            Some(convert) => converted(value, convert),
            None => Ok(value),
        }
    }

    fn output(&self, step: &StepId, slot: &Slot) -> Option<&Value> {
        self.values.get(step.as_str())?.get(slot.group.as_deref(), &slot.key)
    }
}

/// What stands at `key` in an object, or at that index of a list.
fn inside<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    match value {
        Value::Object(object) => object.get(key),
        Value::List(items) => items.get(key.parse::<usize>().ok()?),
        _ => None,
    }
}

/// The conversion that the author's editor put on a wire.
fn converted(value: Value, convert: Convert) -> Result<Value, FunctionError> {
    use functions::Type;
    let to = |value: &Value, ty: &Type| functions::convert(value, ty, Flags::default());
    let value = match convert.how {
        _ if value.is_null() => value,
        Conversion::Parse => match value.as_text() {
            Some(text) if text.trim().is_empty() => Value::Null,
            Some(text) => Value::from_json(text)
                .map_err(|error| FunctionError::invalid(format!("the text is no JSON: {error}")))?,
            None => value,
        },
        Conversion::Stringify => Value::text(value.to_json()),
        Conversion::ToString | Conversion::IsoString | Conversion::BooleanToString => to(&value, &Type::Text)?,
        Conversion::ParseFloat => to(&value, &Type::Number)?,
        Conversion::DateTime => to(&value, &Type::Date)?,
        Conversion::WrapArray => listed(value),
    };
    Ok(if convert.wrap { listed(value) } else { value })
}

/// The value as a list: itself if it is one.
pub(crate) fn listed(value: Value) -> Value {
    match value {
        Value::List(_) | Value::Null => value,
        one => Value::list([one]),
    }
}
