//! The SCIM-style expression language of Okta's `filter` and `search` parameters.
//!
//! Three steps, each usable alone: [`parse`] text into an [`Expression`], [`Expression::check`]
//! it against the attributes and operators that an endpoint knows, [`Expression::matches`] a
//! [`Resource`]. An expression prints as the text it would be parsed from.
//!
//! ```
//! use oktant_filter::{Case, Resource, Value, parse};
//!
//! struct Person;
//!
//! impl Resource for Person {
//!     fn attribute<'a>(&'a self, path: &str, visit: &mut dyn FnMut(Value<'a>)) {
//!         match path {
//!             "name" => visit(Value::Text("Zoë".into())),
//!             "age" => visit(Value::Number(41.0)),
//!             _ => {}
//!         }
//!     }
//! }
//!
//! let expression = parse(r#"name sw "zo" and not (age lt 18)"#)?;
//! assert!(expression.matches(&Person, Case::Folded));
//! assert!(!expression.matches(&Person, Case::Exact));
//! assert_eq!(expression.to_string(), r#"name sw "zo" and not (age lt 18)"#);
//! # Ok::<(), oktant_filter::Error>(())
//! ```
//!
//! The tokens are also those of SCIM's value paths, which Okta does not take: `oktant-scim` reads them with the same
//! [`Lexer`].
//!
//! The language belongs to SCIM (RFC 7644, 3.4.2.2); nothing here knows an Okta object.

mod check;
mod error;
mod evaluate;
mod expression;
mod fold;
mod lexer;
mod parser;

pub use check::Refusal;
pub use error::Error;
pub use evaluate::{Case, Resource, Value, parse_time};
pub use expression::{Expression, Literal, Operator};
pub use lexer::{Kind, Lexer, Token};
pub use parser::parse;
