//! The value of a tree for one user or group.

use std::cmp::Ordering;

use serde_json::{Map, Value as Json};

use super::functions::{TEXT_BYTES_MAX, bounded};
use super::{Node, Operator, Root, Value};

/// The objects that an expression reads. Attributes are found in any letter case if the exact one is missing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scope<'a> {
    /// Profile of the Okta user, with `id` and `status`.
    pub user: Option<&'a Map<String, Json>>,
    /// Profile of the user in the application, with `userName`.
    pub app_user: Option<&'a Map<String, Json>>,
    /// The application: `id`, `name`, `label`.
    pub app: Option<&'a Map<String, Json>>,
    /// Profile of the group, with `id`.
    pub group: Option<&'a Map<String, Json>>,
}

/// Why an expression has no value for an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluateError {
    /// An operator got a value of the wrong type.
    #[error("{operator} takes {wanted}, not {found}")]
    Operand {
        /// The operator.
        operator: &'static str,
        /// What it takes.
        wanted: &'static str,
        /// What it got.
        found: &'static str,
    },
    /// A function got a value of the wrong type.
    #[error("{function} takes {wanted}, not {found}")]
    Argument {
        /// The function.
        function: &'static str,
        /// What it takes.
        wanted: &'static str,
        /// What it got.
        found: &'static str,
    },
    /// A text grew beyond its bound.
    #[error("the text is longer than {TEXT_BYTES_MAX} bytes")]
    TooLong,
}

impl<'a> Scope<'a> {
    fn read(&self, root: Root, name: &str) -> Value {
        let object: Option<&'a Map<String, Json>> = match root {
            Root::User => self.user,
            Root::AppUser => self.app_user,
            Root::App => self.app,
            Root::Group => self.group,
        };
        let Some(object) = object else { return Value::Null };
        let found = object
            .get(name)
            .or_else(|| object.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value));
        found.map_or(Value::Null, Value::of_json)
    }
}

/// The depth of a tree is bounded by the parser, so this recursion is.
pub(super) fn evaluate(node: &Node, scope: &Scope<'_>) -> Result<Value, EvaluateError> {
    match node {
        Node::Literal(value) => Ok(value.clone()),
        Node::Attribute { root, name } => Ok(scope.read(*root, name)),
        Node::Element { list, index } => element(&evaluate(list, scope)?, &evaluate(index, scope)?),
        Node::Call { function, arguments } => {
            let arguments: Result<Vec<_>, _> = arguments.iter().map(|argument| evaluate(argument, scope)).collect();
            function.call(&arguments?)
        }
        Node::Not(inner) => Ok(Value::Bool(!truth(&evaluate(inner, scope)?, "!")?)),
        Node::Negative(inner) => Ok(Value::Number(-number(&evaluate(inner, scope)?, "-")?)),
        Node::Binary { operator, left, right } => binary(*operator, left, right, scope),
        Node::Ternary { condition, then, otherwise } => {
            evaluate(if truth(&evaluate(condition, scope)?, "?")? { then } else { otherwise }, scope)
        }
        Node::Elvis { value, otherwise } => {
            let value = evaluate(value, scope)?;
            if value.is_absent() { evaluate(otherwise, scope) } else { Ok(value) }
        }
    }
}

fn binary(operator: Operator, left: &Node, right: &Node, scope: &Scope<'_>) -> Result<Value, EvaluateError> {
    let first = evaluate(left, scope)?;
    // What the left side decides is not asked of the right one.
    match operator {
        Operator::And if !truth(&first, "AND")? => return Ok(Value::Bool(false)),
        Operator::Or if truth(&first, "OR")? => return Ok(Value::Bool(true)),
        _ => {}
    }
    let second = evaluate(right, scope)?;
    let compare = |name| compare(&first, &second, name);
    Ok(match operator {
        Operator::And => Value::Bool(truth(&second, "AND")?),
        Operator::Or => Value::Bool(truth(&second, "OR")?),
        Operator::Equal => Value::Bool(first == second),
        Operator::Unequal => Value::Bool(first != second),
        Operator::Less => Value::Bool(compare("<")?.is_lt()),
        Operator::AtMost => Value::Bool(compare("<=")?.is_le()),
        Operator::Greater => Value::Bool(compare(">")?.is_gt()),
        Operator::AtLeast => Value::Bool(compare(">=")?.is_ge()),
        Operator::Minus => Value::Number(number(&first, "-")? - number(&second, "-")?),
        Operator::Plus => return plus(&first, &second),
    })
}

fn plus(first: &Value, second: &Value) -> Result<Value, EvaluateError> {
    match (first, second) {
        (Value::Number(first), Value::Number(second)) => Ok(Value::Number(first + second)),
        (Value::List(_), _) | (_, Value::List(_)) => {
            Err(EvaluateError::Operand { operator: "+", wanted: "texts or numbers", found: "a list" })
        }
        _ => bounded((first.joined() + &second.joined()).into()),
    }
}

fn element(list: &Value, index: &Value) -> Result<Value, EvaluateError> {
    let index = number(index, "[]")?;
    match list {
        Value::List(values) if index >= 0.0 => Ok(values.get(index as usize).cloned().unwrap_or_default()),
        Value::List(_) | Value::Null => Ok(Value::Null),
        other => Err(EvaluateError::Operand { operator: "[]", wanted: "a list", found: other.type_name() }),
    }
}

fn truth(value: &Value, operator: &'static str) -> Result<bool, EvaluateError> {
    match value {
        Value::Bool(value) => Ok(*value),
        // An attribute that is not set answers no.
        Value::Null => Ok(false),
        other => Err(EvaluateError::Operand { operator, wanted: "true or false", found: other.type_name() }),
    }
}

fn number(value: &Value, operator: &'static str) -> Result<f64, EvaluateError> {
    match value {
        Value::Number(value) => Ok(*value),
        other => Err(EvaluateError::Operand { operator, wanted: "a number", found: other.type_name() }),
    }
}

fn compare(first: &Value, second: &Value, operator: &'static str) -> Result<Ordering, EvaluateError> {
    let wrong = |found: &Value| EvaluateError::Operand {
        operator,
        wanted: "two texts or two numbers",
        found: found.type_name(),
    };
    match (first, second) {
        (Value::Text(first), Value::Text(second)) => Ok(first.cmp(second)),
        (Value::Number(first), Value::Number(second)) => first.partial_cmp(second).ok_or_else(|| wrong(&Value::Null)),
        (Value::Text(_) | Value::Number(_), other) | (other, _) => Err(wrong(other)),
    }
}
