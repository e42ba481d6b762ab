//! Filters: parsed and resolved against a schema, so that a provider can translate them.

mod evaluate;
mod parse;

use std::fmt;

pub use evaluate::fold as fold_case;
pub use oktant_filter::Operator;
pub(crate) use oktant_filter::parse_time;
pub(crate) use parse::{Target, Unknown, target};

use crate::error::Error;
use crate::profile::Profile;
use crate::schema::{Kind, Path};

/// A condition on a resource. Prints as the text it would be parsed from.
///
/// A comparison holds if any value of the attribute satisfies it; `ne` holds if none is equal, also where the attribute is
/// absent. Text is compared as [`Attribute::case_exact`](crate::schema::Attribute::case_exact) of [`Path::compared`] says.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of two or more.
    And(Vec<Filter>),
    /// Any of two or more.
    Or(Vec<Filter>),
    /// Not this one.
    Not(Box<Filter>),
    /// A value exists that is not empty.
    Present(Path),
    /// The values at a path, compared.
    Compare {
        /// Which values.
        path: Path,
        /// How.
        operator: Operator,
        /// With what; of the type of the attribute.
        literal: Literal,
    },
    /// One value of a complex attribute satisfies the whole condition, whose paths are sub-attributes.
    Any {
        /// The complex attribute.
        path: Path,
        /// The condition on its parts.
        filter: Box<Filter>,
    },
    /// Nothing: an attribute that the kind does not have, where that is no error.
    Nothing,
}

/// What values are compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// Text; a reference or Base64, too.
    Text(Box<str>),
    /// An instant.
    Time(oktant_base::Timestamp),
    /// True or false.
    Boolean(bool),
    /// `eq null`: unassigned.
    Null,
}

impl Filter {
    /// Parses a filter on a kind of resource.
    ///
    /// Under [`Profile::Snowflake`] the filter is what its service takes: one comparison by `eq` or `sw`, of `userName` or
    /// `displayName`; one with any other attribute is [`Filter::Nothing`], and `eq` of a group also looks for the
    /// upper-cased name.
    ///
    /// # Errors
    ///
    /// 400 `invalidFilter`.
    ///
    /// # Source
    ///
    /// RFC 7644, 3.4.2.2; Snowflake behaviour change 2276.
    pub fn parse(text: &str, kind: Kind, profile: Profile) -> Result<Self, Error> {
        let resource_type = kind.resource_type(profile);
        match profile {
            Profile::Rfc => parse::filter(text, resource_type, Unknown::Refuse),
            Profile::Snowflake { .. } => {
                parse::filter(text, resource_type, Unknown::Nothing)?.limited_to_snowflake(kind)
            }
        }
    }

    /// Parses a filter on any kind: a comparison with an attribute that this kind does not have never holds.
    pub(crate) fn parse_for_all(text: &str, kind: Kind, profile: Profile) -> Result<Self, Error> {
        parse::filter(text, kind.resource_type(profile), Unknown::Nothing)
    }

    fn limited_to_snowflake(self, kind: Kind) -> Result<Self, Error> {
        let searched = match kind {
            Kind::User => "userName",
            Kind::Group => "displayName",
        };
        match self {
            Self::Nothing => Ok(Self::Nothing),
            Self::Present(path) | Self::Compare { path, .. } if !path.is(searched) => Ok(Self::Nothing),
            Self::Compare { path, operator: Operator::Eq, literal: Literal::Text(text) } => {
                let upper = text.to_uppercase();
                let exact = Self::Compare { path, operator: Operator::Eq, literal: Literal::Text(text.clone()) };
                if kind == Kind::User || *upper == *text {
                    return Ok(exact);
                }
                let literal = Literal::Text(upper.into());
                Ok(Self::Or(vec![exact, Self::Compare { path, operator: Operator::Eq, literal }]))
            }
            Self::Compare { operator: Operator::Sw, literal: Literal::Text(_), .. } => Ok(self),
            _ => Err(Error::invalid_filter(format!("only {searched} eq and {searched} sw are supported"))),
        }
    }

    /// `path eq "text"`, if the filter is nothing else: the question that clients ask before they write.
    pub fn as_equality(&self, canonical: &str) -> Option<&str> {
        match self {
            Self::Compare { path, operator: Operator::Eq, literal: Literal::Text(text) } if path.is(canonical) => {
                Some(text)
            }
            _ => None,
        }
    }

    /// How many conditions it is made of.
    pub(crate) fn terms(&self) -> usize {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().map(Self::terms).sum(),
            Self::Not(inner) | Self::Any { filter: inner, .. } => inner.terms(),
            Self::Present(_) | Self::Compare { .. } | Self::Nothing => 1,
        }
    }

    fn binding(&self) -> u8 {
        match self {
            Self::Or(_) => 0,
            Self::And(_) => 1,
            _ => 2,
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(parts) => oktant_filter::join(f, parts, " and ", |part| part.binding() <= 1),
            Self::Or(parts) => oktant_filter::join(f, parts, " or ", |part| part.binding() == 0),
            Self::Not(inner) => write!(f, "not ({inner})"),
            Self::Present(path) => write!(f, "{path} pr"),
            Self::Compare { path, operator, literal } => write!(f, "{path} {} {literal}", operator.as_str()),
            Self::Any { path, filter } => write!(f, "{path}[{filter}]"),
            // `id` is in every resource.
            Self::Nothing => f.write_str("not (id pr)"),
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(&serde_json::Value::from(text.as_ref()).to_string()),
            Self::Time(time) => write!(f, "\"{}\"", crate::resource::time_text(*time)),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Null => f.write_str("null"),
        }
    }
}
