//! The expressions of mappings: a subset of Okta's expression language.
//!
//! Literals, `user.x`, `appuser.x`, `app.x` and `group.x`, concatenation and arithmetic with `+`, comparison,
//! `AND`, `OR`, `!`, the ternary and Elvis operators, list elements, and the functions of [`functions`].
//! An attribute without a value is `null`; `null` joined to a text adds nothing.
//!
//! # Source
//!
//! Okta developer reference, "Okta Expression Language": operators, `String` functions, `user` and `appuser`.
//! That `null` adds nothing to a text is ours: a literal `null` in a name serves no one.

mod evaluate;
mod functions;
mod lexer;
mod parser;
mod value;

pub use value::Value;

use std::fmt;
use std::sync::Arc;

use oktant_base::limits;

pub use evaluate::{EvaluateError, Scope};

/// A parsed expression. Clones share it.
#[derive(Clone)]
pub struct Expression {
    text: Arc<str>,
    node: Arc<Node>,
}

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at character {position}")]
pub struct ParseError {
    /// What is wrong.
    pub problem: String,
    /// Where, counted in characters from 1.
    pub position: usize,
}

/// One node of the tree.
#[derive(Debug, PartialEq)]
pub(crate) enum Node {
    Literal(Value),
    /// `root.attribute`; the root is one of [`ROOTS`].
    Attribute {
        root: Root,
        name: Box<str>,
    },
    Element {
        list: Box<Self>,
        index: Box<Self>,
    },
    Call {
        function: functions::Function,
        arguments: Vec<Self>,
    },
    Not(Box<Self>),
    Negative(Box<Self>),
    Binary {
        operator: Operator,
        left: Box<Self>,
        right: Box<Self>,
    },
    Ternary {
        condition: Box<Self>,
        then: Box<Self>,
        otherwise: Box<Self>,
    },
    Elvis {
        value: Box<Self>,
        otherwise: Box<Self>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Plus,
    Minus,
}

/// The objects whose attributes an expression can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// The Okta user: `user.firstName`, also written `source.firstName`.
    User,
    /// The user's profile in the application: `appuser.givenName`.
    AppUser,
    /// The application: `app.label`.
    App,
    /// A pushed group: `group.name`.
    Group,
}

const ROOTS: &[(&str, Root)] = &[
    ("user", Root::User),
    ("source", Root::User),
    ("appuser", Root::AppUser),
    ("app", Root::App),
    ("group", Root::Group),
];

impl Expression {
    /// Parses `text`.
    ///
    /// # Errors
    ///
    /// [`ParseError`] with the place; also for texts and depths beyond [`limits::EXPRESSION_BYTES_MAX`] and
    /// [`limits::EXPRESSION_DEPTH_MAX`].
    ///
    /// ```
    /// use oktant_provision::expression::Expression;
    ///
    /// assert!(Expression::parse("String.toUpperCase(user.lastName) + ', ' + user.firstName").is_ok());
    /// let error = Expression::parse("user.lastName +").unwrap_err();
    /// assert_eq!(error.to_string(), "an expression ends where a value is needed at character 16");
    /// ```
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        if text.len() > limits::EXPRESSION_BYTES_MAX {
            let problem = format!("an expression holds at most {} bytes", limits::EXPRESSION_BYTES_MAX);
            return Err(ParseError { problem, position: 1 });
        }
        Ok(Self { text: text.into(), node: Arc::new(parser::parse(text)?) })
    }

    /// Its value for the objects in `scope`.
    ///
    /// # Errors
    ///
    /// [`EvaluateError`] if a value has not the type that an operator or function needs.
    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, EvaluateError> {
        evaluate::evaluate(&self.node, scope)
    }

    /// The attributes that it reads.
    pub(crate) fn attributes(&self) -> Vec<(Root, &str)> {
        let mut found = Vec::new();
        self.node.attributes(&mut found);
        found
    }

    /// The text that it was parsed from.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl Node {
    fn attributes<'a>(&'a self, found: &mut Vec<(Root, &'a str)>) {
        match self {
            Self::Literal(_) => {}
            Self::Attribute { root, name } => found.push((*root, name)),
            Self::Element { list: first, index: second }
            | Self::Binary { left: first, right: second, .. }
            | Self::Elvis { value: first, otherwise: second } => {
                first.attributes(found);
                second.attributes(found);
            }
            Self::Call { arguments, .. } => arguments.iter().for_each(|argument| argument.attributes(found)),
            Self::Not(inner) | Self::Negative(inner) => inner.attributes(found),
            Self::Ternary { condition, then, otherwise } => {
                condition.attributes(found);
                then.attributes(found);
                otherwise.attributes(found);
            }
        }
    }
}

impl Root {
    /// What it is called in an expression.
    pub(crate) fn name(self) -> &'static str {
        ROOTS.iter().find(|(_, root)| *root == self).map_or("", |(name, _)| name)
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.text).finish()
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

#[cfg(test)]
mod tests;
