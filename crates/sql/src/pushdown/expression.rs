//! Okta's expression language as `sql` writes it: a tree and its printer.
//!
//! Deliberately apart from the `filter` crate: what the sandbox reads with must not share
//! the mistakes of what we write with.

use std::collections::HashSet;
use std::fmt;

/// An expression of a `filter` or `search` parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// `attribute operator literal`
    Compare {
        /// Name of the attribute, such as `profile.firstName`.
        attribute: String,
        /// How it is compared.
        operator: Operator,
        /// What it is compared with.
        literal: Literal,
    },
    /// `attribute pr`
    Present(String),
    /// Every part holds; never empty.
    All(Vec<Self>),
    /// Some part holds; never empty.
    Any(Vec<Self>),
}

/// An operator with two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Starts with.
    Sw,
    /// Contains.
    Co,
    /// Ends with.
    Ew,
    /// Greater than.
    Gt,
    /// Greater than or equal.
    Ge,
    /// Less than.
    Lt,
    /// Less than or equal.
    Le,
}

impl Operator {
    /// The operator as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Sw => "sw",
            Self::Co => "co",
            Self::Ew => "ew",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }
}

/// The right side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// Text, and instants in ISO 8601: in double quotes.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A finite number.
    Float(f64),
    /// `true` or `false`.
    Boolean(bool),
}

impl Expression {
    /// One comparison.
    pub fn compare(attribute: &str, operator: Operator, literal: Literal) -> Self {
        Self::Compare { attribute: attribute.to_owned(), operator, literal }
    }

    /// The conjunction of `parts`, flat; `None` when there are none.
    pub fn all(parts: Vec<Self>) -> Option<Self> {
        flatten(parts, Self::All, |part| match part {
            Self::All(inner) => Ok(inner),
            other => Err(other),
        })
    }

    /// The disjunction of `parts`, flat and without repetition; `None` when there are none.
    pub fn any(parts: Vec<Self>) -> Option<Self> {
        flatten(parts, Self::Any, |part| match part {
            Self::Any(inner) => Ok(inner),
            other => Err(other),
        })
    }

    /// Number of attribute tests in it.
    pub fn terms(&self) -> usize {
        match self {
            Self::Compare { .. } | Self::Present(_) => 1,
            Self::All(parts) | Self::Any(parts) => parts.iter().map(Self::terms).sum(),
        }
    }

    /// Bytes it takes in a query string, percent-encoded.
    pub fn encoded_len(&self) -> usize {
        let text = self.to_string();
        text.len() + 2 * text.bytes().filter(|byte| !is_unreserved(*byte)).count()
    }

    /// Whether `operator` occurs in it.
    pub fn uses(&self, operator: Operator) -> bool {
        match self {
            Self::Compare { operator: used, .. } => *used == operator,
            Self::Present(_) => false,
            Self::All(parts) | Self::Any(parts) => parts.iter().any(|part| part.uses(operator)),
        }
    }

    /// The texts that `attribute` may equal, where the expression says nothing else.
    pub fn equalities(&self, of: &str) -> Option<Vec<&str>> {
        match self {
            Self::Compare { attribute, operator: Operator::Eq, literal: Literal::Text(text) } if attribute == of => {
                Some(vec![text])
            }
            Self::Any(parts) => {
                let lists = parts.iter().map(|part| part.equalities(of)).collect::<Option<Vec<_>>>()?;
                Some(lists.into_iter().flatten().collect())
            }
            _ => None,
        }
    }
}

/// RFC 3986, 2.3: what never needs an escape; every other byte takes three.
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn flatten(
    parts: Vec<Expression>,
    join: fn(Vec<Expression>) -> Expression,
    open: fn(Expression) -> Result<Vec<Expression>, Expression>,
) -> Option<Expression> {
    let mut flat: Vec<Expression> = Vec::with_capacity(parts.len());
    let mut seen = HashSet::with_capacity(parts.len());
    for part in parts {
        for piece in open(part).unwrap_or_else(|whole| vec![whole]) {
            if seen.insert(piece.to_string()) {
                flat.push(piece);
            }
        }
    }
    match flat.len() {
        0 => None,
        1 => flat.pop(),
        _ => Some(join(flat)),
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compare { attribute, operator, literal } => write!(f, "{attribute} {} {literal}", operator.as_str()),
            Self::Present(attribute) => write!(f, "{attribute} pr"),
            Self::All(parts) => joined(f, parts, " and "),
            Self::Any(parts) => joined(f, parts, " or "),
        }
    }
}

/// Compound parts get parentheses even where precedence makes them superfluous: the org's own
/// description of precedence has changed, parentheses mean the same to every reader.
fn joined(f: &mut fmt::Formatter<'_>, parts: &[Expression], separator: &str) -> fmt::Result {
    for (position, part) in parts.iter().enumerate() {
        if position > 0 {
            f.write_str(separator)?;
        }
        match part {
            Expression::All(_) | Expression::Any(_) => write!(f, "({part})")?,
            _ => write!(f, "{part}")?,
        }
    }
    Ok(())
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{}", serde_json::Value::from(text.as_str())),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number}"),
            Self::Boolean(truth) => write!(f, "{truth}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eq(attribute: &str, text: &str) -> Expression {
        Expression::compare(attribute, Operator::Eq, Literal::Text(text.to_owned()))
    }

    #[test]
    fn literals_are_quoted_as_json() {
        insta::assert_snapshot!(eq("profile.title", "a \"b\" \\ c"), @r#"profile.title eq "a \"b\" \\ c""#);
        insta::assert_snapshot!(
            Expression::compare("profile.level", Operator::Ge, Literal::Float(1.5)), @"profile.level ge 1.5"
        );
        insta::assert_snapshot!(
            Expression::compare("profile.vip", Operator::Eq, Literal::Boolean(true)), @"profile.vip eq true"
        );
    }

    #[test]
    fn nesting_is_written_with_parentheses_and_kept_flat() {
        let or = Expression::any(vec![eq("a", "1"), eq("a", "2"), eq("a", "1")]).unwrap();
        let and = Expression::all(vec![eq("b", "x"), or]).unwrap();
        let all = Expression::all(vec![Expression::Present("c".to_owned()), and]).unwrap();
        insta::assert_snapshot!(all, @r#"c pr and b eq "x" and (a eq "1" or a eq "2")"#);
        assert_eq!(all.terms(), 4);
    }

    #[test]
    fn encoded_length_counts_three_bytes_for_each_escape() {
        assert_eq!(eq("a", "b").encoded_len(), "a%20eq%20%22b%22".len());
    }

    #[test]
    fn equalities_are_found_only_where_nothing_else_is_said() {
        let list = Expression::any(vec![eq("id", "1"), eq("id", "2")]).unwrap();
        assert_eq!(list.equalities("id"), Some(vec!["1", "2"]));
        assert_eq!(Expression::any(vec![list, eq("b", "2")]).unwrap().equalities("id"), None);
    }
}
