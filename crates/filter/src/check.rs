//! What an endpoint lets callers ask.

use crate::expression::{Expression, Literal, Operator};

/// Why an endpoint does not take an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No such attribute here.
    #[error("attribute {0} cannot be searched")]
    UnknownAttribute(Box<str>),
    /// The attribute does not take this operator.
    #[error("operator {operator} is not allowed on {attribute}")]
    Operator {
        /// The attribute.
        attribute: Box<str>,
        /// The operator as written, or `pr`.
        operator: &'static str,
    },
    /// `not` is not offered.
    #[error("not is not allowed")]
    Negation,
    /// Only one comparison is offered.
    #[error("only one comparison is allowed")]
    Compound,
}

impl Expression {
    /// Checks every comparison against what `allows` says about its attribute: `None` for an
    /// unknown one, else whether it takes the operator (`None` stands for `pr`).
    ///
    /// # Errors
    ///
    /// The first [`Refusal`] from the left.
    pub fn check(&self, allows: &dyn Fn(&str, Option<Operator>) -> Option<bool>) -> Result<(), Refusal> {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().try_for_each(|part| part.check(allows)),
            Self::Not(inner) => inner.check(allows),
            Self::Present(attribute) => verdict(attribute, "pr", allows(attribute, None)),
            Self::Compare { attribute, operator, .. } => {
                verdict(attribute, operator.as_str(), allows(attribute, Some(*operator)))
            }
        }
    }

    /// Refuses `not` anywhere.
    ///
    /// # Errors
    ///
    /// [`Refusal::Negation`].
    pub fn refuse_negation(&self) -> Result<(), Refusal> {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().try_for_each(Self::refuse_negation),
            Self::Not(_) => Err(Refusal::Negation),
            Self::Present(_) | Self::Compare { .. } => Ok(()),
        }
    }

    /// Refuses `and`, `or` and `not`.
    ///
    /// # Errors
    ///
    /// [`Refusal::Compound`].
    pub fn refuse_compound(&self) -> Result<(), Refusal> {
        match self {
            Self::And(_) | Self::Or(_) | Self::Not(_) => Err(Refusal::Compound),
            Self::Present(_) | Self::Compare { .. } => Ok(()),
        }
    }

    /// If the expression holds only for resources whose `attribute` equals one of some texts,
    /// those texts: what an index needs to look at. `None` if it may hold for others.
    pub fn wanted<'a>(&'a self, attribute: &str) -> Option<Vec<&'a str>> {
        match self {
            Self::Compare { attribute: found, operator: Operator::Eq, literal: Literal::Text(text) } => {
                (found.as_ref() == attribute).then(|| vec![text.as_ref()])
            }
            Self::Or(parts) => {
                let lists: Option<Vec<_>> = parts.iter().map(|part| part.wanted(attribute)).collect();
                lists.map(|lists| lists.concat())
            }
            Self::And(parts) => parts.iter().find_map(|part| part.wanted(attribute)),
            Self::Compare { .. } | Self::Not(_) | Self::Present(_) => None,
        }
    }
}

fn verdict(attribute: &str, operator: &'static str, allowed: Option<bool>) -> Result<(), Refusal> {
    match allowed {
        Some(true) => Ok(()),
        Some(false) => Err(Refusal::Operator { attribute: attribute.into(), operator }),
        None => Err(Refusal::UnknownAttribute(attribute.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    fn allows(attribute: &str, operator: Option<Operator>) -> Option<bool> {
        match attribute {
            "id" => Some(operator == Some(Operator::Eq)),
            "name" => Some(true),
            _ => None,
        }
    }

    #[test]
    fn the_first_fault_from_the_left_is_named() {
        let check = |text: &str| parse(text).unwrap().check(&allows);
        assert_eq!(check(r#"id eq "1" and (name pr or name co "x")"#), Ok(()));
        let operator = Refusal::Operator { attribute: "id".into(), operator: "pr" };
        assert_eq!(check(r#"id pr or colour eq "red""#), Err(operator));
        assert_eq!(check(r#"not (colour eq "red")"#), Err(Refusal::UnknownAttribute("colour".into())));
    }

    #[test]
    fn what_an_endpoint_does_not_offer_is_refused() {
        assert_eq!(parse("a pr and not b pr").unwrap().refuse_negation(), Err(Refusal::Negation));
        assert_eq!(parse("a pr and b pr").unwrap().refuse_compound(), Err(Refusal::Compound));
        assert_eq!(parse("a pr").unwrap().refuse_compound(), Ok(()));
    }

    #[test]
    fn wanted_values_are_found_where_an_index_suffices() {
        let wanted = |text: &str| parse(text).unwrap().wanted("id").map(|list| list.join(","));
        assert_eq!(wanted(r#"id eq "1" or id eq "2""#).as_deref(), Some("1,2"));
        assert_eq!(wanted(r#"name pr and (id eq "1" or id eq "2")"#).as_deref(), Some("1,2"));
        assert_eq!(wanted(r#"id eq "1" or name pr"#), None);
        assert_eq!(wanted(r#"not (id eq "1")"#), None);
    }
}
