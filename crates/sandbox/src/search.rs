//! `filter` and `search`: what the catalogue allows on which attribute, and the refusals.

use std::cmp::Ordering;

use oktant_catalog::{CaseRule, Expression as Facts, Ops, Table};
use oktant_filter::{Case, Expression, Operator};

use crate::http::{ApiError, errors};

/// What `search` takes on custom attributes of users and groups.
const CUSTOM: Ops = Ops::EQ.union(Ops::SW).union(Ops::PR).union(Ops::GT).union(Ops::GE).union(Ops::LT).union(Ops::LE);

/// Characters that `co` needs in `search`.
const CONTAINS_MIN: usize = 3;

/// An expression that its endpoint takes, with how it compares text.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) expression: Expression,
    pub(crate) case: Case,
}

/// One endpoint's language.
pub(crate) struct Language<'a> {
    /// Table of the catalogue that says what is allowed.
    pub(crate) table: &'static str,
    /// `filter` or `search`.
    pub(crate) parameter: &'static str,
    /// Whether an attribute that the catalogue does not know is a custom one.
    pub(crate) custom: &'a dyn Fn(&str) -> bool,
    /// Attributes that take `eq` though no column of the table stands for them.
    pub(crate) equal: &'static [&'static str],
}

impl Language<'_> {
    /// Parses and checks what the caller sent.
    ///
    /// # Errors
    ///
    /// 400 `E0000031`: `Invalid search syntax.` if it does not parse, `Invalid search query.` for an
    /// attribute or operator that the endpoint does not know.
    pub(crate) fn read(&self, text: &str) -> Result<Query, ApiError> {
        let expression = oktant_filter::parse(text).map_err(|_| refusal("Invalid search syntax."))?;
        let refused = |_| refusal("Invalid search query.");
        expression.check(&|attribute, operator| self.allows(attribute, operator)).map_err(refused)?;
        let facts = self.facts();
        if facts.is_none_or(|facts| !facts.negation) {
            expression.refuse_negation().map_err(refused)?;
        }
        if facts.is_some_and(|facts| !facts.compound) {
            expression.refuse_compound().map_err(refused)?;
        }
        if self.parameter == "search" && has_short_contains(&expression) {
            return Err(refusal("Invalid search query."));
        }
        let folded = facts.is_some_and(|facts| facts.case == CaseRule::Folded);
        Ok(Query { expression, case: if folded { Case::Folded } else { Case::Exact } })
    }

    /// Whether `sortBy` may name the attribute.
    pub(crate) fn sorts_by(&self, attribute: &str) -> bool {
        self.facts().is_some_and(|facts| facts.sort) && self.operators(attribute).is_some()
    }

    fn table(&self) -> Option<&'static Table> {
        oktant_catalog::table(self.table)
    }

    fn facts(&self) -> Option<&'static Facts> {
        let mut expressions = self.table()?.routes.iter().flat_map(|route| route.expressions);
        expressions.find(|facts| facts.parameter == self.parameter)
    }

    fn allows(&self, attribute: &str, operator: Option<Operator>) -> Option<bool> {
        let allowed = self.operators(attribute)?;
        Some(allowed.contains(operator.map_or(Ops::PR, set_of)))
    }

    /// The operators that an attribute takes; `None` if it cannot be asked for.
    fn operators(&self, attribute: &str) -> Option<Ops> {
        let known = self.table()?.columns.iter().find(|column| column.attribute == attribute);
        match known {
            Some(column) => Some(if self.parameter == "filter" { column.filter } else { column.search }),
            None if self.equal.contains(&attribute) => Some(Ops::EQ),
            None if self.parameter == "search" && (self.custom)(attribute) => Some(CUSTOM),
            None => None,
        }
        .filter(|operators| !operators.is_empty())
    }
}

fn refusal(cause: &str) -> ApiError {
    ApiError::new(errors::E0000031).cause(cause)
}

fn has_short_contains(expression: &Expression) -> bool {
    let mut found = false;
    expression.leaves(&mut |leaf| {
        if let Expression::Compare { operator: Operator::Co, literal: oktant_filter::Literal::Text(text), .. } = leaf {
            found = found || text.chars().count() < CONTAINS_MIN;
        }
    });
    found
}

const fn set_of(operator: Operator) -> Ops {
    match operator {
        Operator::Eq => Ops::EQ,
        Operator::Ne => Ops::NE,
        Operator::Gt => Ops::GT,
        Operator::Ge => Ops::GE,
        Operator::Lt => Ops::LT,
        Operator::Le => Ops::LE,
        Operator::Sw => Ops::SW,
        Operator::Co => Ops::CO,
        Operator::Ew => Ops::EW,
    }
}

/// The first `count` rows behind the row `after` (all rows if `None`), of rows that come in order of
/// ids, sorted by what `key` says; rows without a key come last, equal ones in order of ids. `None`
/// if `after` is not among the rows.
///
/// Only the page is sorted, so that a long list does not cost its whole order on every page.
pub(crate) fn sorted_page<T>(
    rows: impl Iterator<Item = T>,
    descending: bool,
    key: impl Fn(&T) -> Option<SortKey>,
    after: Option<impl Fn(&T) -> bool>,
    count: usize,
) -> Option<Vec<T>> {
    let order = |a: &Place<T>, b: &Place<T>| a.order(b, descending);
    let mut places: Vec<_> = rows.enumerate().map(|(position, row)| Place { key: key(&row), position, row }).collect();
    if let Some(is_last) = after {
        let last = places.iter().position(|place| is_last(&place.row))?;
        let last = Place { key: places[last].key.clone(), position: last, row: () };
        places.retain(|place| place.order(&last, descending).is_gt());
    }
    if places.len() > count {
        places.select_nth_unstable_by(count, order);
        places.truncate(count);
    }
    places.sort_unstable_by(order);
    Some(places.into_iter().map(|place| place.row).collect())
}

/// A row with what decides its place.
struct Place<T> {
    key: Option<SortKey>,
    /// Its place in the order of ids.
    position: usize,
    row: T,
}

impl<T> Place<T> {
    fn order<U>(&self, other: &Place<U>, descending: bool) -> Ordering {
        let by_key = match (&self.key, &other.key) {
            (Some(a), Some(b)) if descending => b.order(a),
            (Some(a), Some(b)) => a.order(b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        by_key.then(self.position.cmp(&other.position))
    }
}

/// What a row is sorted by: texts ignore case.
#[derive(Debug, Clone)]
pub(crate) enum SortKey {
    Time(oktant_base::Timestamp),
    Number(f64),
    Boolean(bool),
    Text(String),
}

impl SortKey {
    /// The order of two keys; keys of two kinds, which no attribute has, keep the order they are in.
    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Time(a), Self::Time(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Boolean(a), Self::Boolean(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            _ => Ordering::Equal,
        }
    }

    /// The first value of an attribute as a key.
    pub(crate) fn of(resource: &impl oktant_filter::Resource, attribute: &str) -> Option<Self> {
        let mut key = None;
        resource.attribute(attribute, &mut |value| {
            let found = match value {
                oktant_filter::Value::Text(text) => Self::Text(text.to_lowercase()),
                oktant_filter::Value::Number(number) => Self::Number(number),
                oktant_filter::Value::Boolean(value) => Self::Boolean(value),
                oktant_filter::Value::Time(time) => Self::Time(time),
            };
            key.get_or_insert(found);
        });
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_put_together_are_the_whole_order() {
        // Ties, and rows without a key.
        let rows: Vec<(usize, Option<f64>)> =
            (0..50_usize).map(|id| (id, (id % 7 != 3).then_some((id * 37 % 11) as f64))).collect();
        for descending in [false, true] {
            let page = |after: Option<usize>, count| {
                let key = |row: &(usize, Option<f64>)| row.1.map(SortKey::Number);
                let is_last = after.map(|last| move |row: &(usize, Option<f64>)| row.0 == last);
                sorted_page(rows.iter().copied(), descending, key, is_last, count)
            };
            let mut expected = rows.clone();
            expected.sort_by(|(_, a), (_, b)| match (a, b) {
                (Some(a), Some(b)) if descending => b.total_cmp(a),
                (Some(a), Some(b)) => a.total_cmp(b),
                (a, b) => b.is_some().cmp(&a.is_some()),
            });
            let mut found: Vec<(usize, Option<f64>)> = Vec::new();
            while found.len() < rows.len() {
                found.extend(page(found.last().map(|row| row.0), 7).unwrap());
            }
            assert_eq!(found, expected);
            assert_eq!(page(Some(1_000), 7), None, "a cursor that is no row");
        }
    }
}
