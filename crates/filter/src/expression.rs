//! The expression as a tree, and its text.

use std::cmp::Ordering;
use std::fmt;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// All of two or more.
    And(Vec<Expression>),
    /// Any of two or more.
    Or(Vec<Expression>),
    /// Not this one.
    Not(Box<Expression>),
    /// `attribute pr`: present and not empty.
    Present(Box<str>),
    /// `attribute operator literal`.
    Compare {
        /// Dotted name.
        attribute: Box<str>,
        /// How to compare.
        operator: Operator,
        /// With what.
        literal: Literal,
    },
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of the language")]
pub enum Operator {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
    Sw,
    Co,
    Ew,
}

impl Operator {
    /// Every operator.
    pub const ALL: [Self; 9] =
        [Self::Eq, Self::Ne, Self::Gt, Self::Ge, Self::Lt, Self::Le, Self::Sw, Self::Co, Self::Ew];

    /// The operator as written, in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
            Self::Sw => "sw",
            Self::Co => "co",
            Self::Ew => "ew",
        }
    }

    /// Whether the operator holds between two values that compare so; never for those that look at parts of texts.
    pub const fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Eq => ordering.is_eq(),
            Self::Ne => ordering.is_ne(),
            Self::Gt => ordering.is_gt(),
            Self::Ge => ordering.is_ge(),
            Self::Lt => ordering.is_lt(),
            Self::Le => ordering.is_le(),
            Self::Sw | Self::Co | Self::Ew => false,
        }
    }
}

/// What an attribute is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// Text, or a date in quotes: the attribute's own type decides.
    Text(Box<str>),
    /// A finite number.
    Number(f64),
    /// True or false.
    Boolean(bool),
}

impl Expression {
    /// Calls `visit` for every comparison and presence test, from left to right.
    pub fn leaves<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.leaves(visit)),
            Self::Not(inner) => inner.leaves(visit),
            Self::Present(_) | Self::Compare { .. } => visit(self),
        }
    }

    /// How tightly the expression binds: parts that bind less are printed in parentheses.
    fn binding(&self) -> u8 {
        match self {
            Self::Or(_) => 0,
            Self::And(_) => 1,
            Self::Not(_) | Self::Present(_) | Self::Compare { .. } => 2,
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(parts) => join(f, parts, " and ", |part| part.binding() <= 1),
            Self::Or(parts) => join(f, parts, " or ", |part| part.binding() == 0),
            Self::Not(inner) => write!(f, "not ({inner})"),
            Self::Present(attribute) => write!(f, "{attribute} pr"),
            Self::Compare { attribute, operator, literal } => {
                write!(f, "{attribute} {} {literal}", operator.as_str())
            }
        }
    }
}

/// Prints the parts of a list, those that bind too loosely to stand in it in parentheses.
pub fn join<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    parts: &[T],
    separator: &str,
    is_loose: impl Fn(&T) -> bool,
) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        // A list inside a list of the same kind keeps its parentheses, so that the tree survives.
        if is_loose(part) { write!(f, "({part})")? } else { write!(f, "{part}")? }
    }
    Ok(())
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(&serde_json::Value::from(text.as_ref()).to_string()),
            Self::Number(number) => write!(f, "{number}"),
            Self::Boolean(value) => write!(f, "{value}"),
        }
    }
}
