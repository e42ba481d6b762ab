//! Values of expressions.

use std::cmp::Ordering;

use super::{Expression, Operator, function};

/// What an expression comes to.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::rules) enum Value {
    Null,
    Boolean(bool),
    Number(f64),
    Text(String),
    List(Vec<Value>),
}

impl Value {
    /// The text of a value; numbers print themselves, the rest is empty.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Boolean(value) => value.to_string(),
            Self::Null | Self::List(_) => String::new(),
        }
    }
}

/// The user that an expression is about.
pub(in crate::rules) trait Scope {
    /// An attribute of the profile.
    fn attribute(&self, name: &str) -> Value;

    /// A property outside the profile, such as `status`.
    fn internal(&self, name: &str) -> Value;

    /// Whether the user is in a group.
    fn is_member(&self, id: &str) -> bool;

    /// The names of the user's groups.
    fn group_names(&self) -> Vec<String>;
}

impl Expression {
    /// Whether the expression is true of a user.
    pub(in crate::rules) fn holds(&self, scope: &dyn Scope) -> bool {
        self.value(scope) == Value::Boolean(true)
    }

    fn value(&self, scope: &dyn Scope) -> Value {
        match self {
            Self::Literal(value) => value.clone(),
            Self::Attribute(name) => scope.attribute(name),
            Self::Internal(name) => scope.internal(name),
            Self::Index(list, index) => match list.value(scope) {
                Value::List(items) => items.into_iter().nth(*index).unwrap_or(Value::Null),
                _ => Value::Null,
            },
            Self::Call(function, arguments) => {
                let values: Vec<_> = arguments.iter().map(|argument| argument.value(scope)).collect();
                function::call(*function, &values, scope)
            }
            Self::Not(inner) => Value::Boolean(!inner.holds(scope)),
            Self::Binary(operator, left, right) => Value::Boolean(binary(*operator, left, right, scope)),
            Self::Choice(condition, yes, no) => {
                if condition.holds(scope) {
                    yes.value(scope)
                } else {
                    no.value(scope)
                }
            }
        }
    }
}

fn binary(operator: Operator, left: &Expression, right: &Expression, scope: &dyn Scope) -> bool {
    match operator {
        Operator::Or => left.holds(scope) || right.holds(scope),
        Operator::And => left.holds(scope) && right.holds(scope),
        Operator::Equal => left.value(scope) == right.value(scope),
        Operator::NotEqual => left.value(scope) != right.value(scope),
        Operator::Less => order(left, right, scope).is_some_and(Ordering::is_lt),
        Operator::LessOrEqual => order(left, right, scope).is_some_and(Ordering::is_le),
        Operator::Greater => order(left, right, scope).is_some_and(Ordering::is_gt),
        Operator::GreaterOrEqual => order(left, right, scope).is_some_and(Ordering::is_ge),
    }
}

/// Numbers and texts have an order among themselves; nothing else has one.
fn order(left: &Expression, right: &Expression, scope: &dyn Scope) -> Option<Ordering> {
    match (left.value(scope), right.value(scope)) {
        (Value::Number(left), Value::Number(right)) => left.partial_cmp(&right),
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(&right)),
        _ => None,
    }
}
