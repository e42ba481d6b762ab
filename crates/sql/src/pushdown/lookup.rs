//! Reads of single objects by their keys.

use std::collections::BTreeSet;

use oktant_catalog::{Ops, ParameterIn};

use super::estimate;
use super::keys::{self, Bound};
use super::plan::Planner;
use super::projection;
use crate::relation::Origin;
use crate::request::{KeyLookup, Pushdown, RequestStream, ScanPlan};

/// Reads by key that are made whatever the alternative.
const LOOKUPS_ALWAYS: usize = 2;

/// Reads by key that are preferred to a list of unknown length.
const LOOKUPS_MAX: usize = 50;

impl Planner<'_> {
    /// A plan of reads by key, where the statement spells out all keys and they are few.
    pub(super) fn lookup(&mut self) -> Option<ScanPlan> {
        let scan = self.scan;
        let relation = &scan.relation;
        let get = relation.table().get.filter(|_| scan.options.pushdown == Pushdown::On)?;
        let operation = oktant_catalog::operation(get)?;
        let key = relation.key();
        let parameters: Vec<_> = operation.parameters_in(ParameterIn::Path).map(|parameter| parameter.name).collect();
        let bounds: Vec<Bound> =
            key.iter().map(|&position| keys::bound(&self.filters, relation, position)).collect::<Option<_>>()?;
        if key.is_empty() || parameters.len() != key.len() {
            return None;
        }
        let lists: Vec<Vec<String>> = bounds
            .iter()
            .map(|bound| bound.values.iter().filter(|value| keys::is_segment(value)).cloned().collect())
            .collect();
        let tuples = keys::combinations(&lists, self.lookups_max(&lists))?;
        let mut needed: BTreeSet<usize> = projection::mentioned(&self.filters, relation);
        needed.extend(&scan.projection);
        let expand = projection::expand(relation, &needed.into_iter().collect::<Vec<_>>());
        // An object embedded in lists only is read from a list.
        if expand.is_some() && !takes(operation, "expand") {
            return None;
        }
        for bound in &bounds {
            self.satisfied(&bound.conjuncts);
        }
        if tuples.is_empty() {
            return Some(self.nothing());
        }
        let residual = self.residual();
        let columns = self.columns(&residual, &key);
        let expand = projection::expand(relation, &columns);
        let streams = tuples
            .into_iter()
            .map(|tuple| RequestStream {
                operation: get,
                route: 0,
                path: parameters.iter().copied().zip(tuple.iter().cloned()).collect(),
                query: expand.iter().map(|expand| ("expand".to_owned(), expand.clone())).collect(),
                single: Some(KeyLookup { expect: self.expected(&key, tuple) }),
            })
            .collect::<Vec<_>>();
        let pushed = describe(relation.table().key, &lists);
        let estimate = estimate::of_lookups(streams.len() as u64, operation);
        Some(ScanPlan { streams, parents: None, columns, residual, pushed, dedupe: false, ordered: false, estimate })
    }

    /// How many reads are better than a list: where the list can be asked for keys it is one
    /// request for many, else as many as it has pages.
    fn lookups_max(&self, lists: &[Vec<String>]) -> usize {
        let relation = &self.scan.relation;
        let Some((last, parents)) = lists.split_last() else { return 0 };
        let lists_read: usize = parents.iter().map(Vec::len).product();
        if !parents.is_empty() {
            // One list of children per parent against one read per child.
            return LOOKUPS_ALWAYS.max(lists_read * usize::from(last.len() <= 1));
        }
        let takes_keys = relation.key().iter().any(|&position| {
            let column = &relation.columns()[position];
            let parameters = relation.routes().iter().flat_map(|route| route.expressions);
            parameters.filter(|parameter| parameter.compound).any(|parameter| {
                let operators = if parameter.parameter == "filter" { column.filter } else { column.search };
                operators.contains(Ops::EQ)
            })
        });
        if takes_keys {
            return LOOKUPS_ALWAYS;
        }
        let page = relation.routes().first().map_or(0, |route| route.page);
        let size = self.scan.options.sizes.get(relation.name());
        size.map_or(LOOKUPS_MAX, |rows| super::narrowing::pages(*rows, page) as usize).max(LOOKUPS_ALWAYS)
    }

    /// Values that the object must show, except those that come from the path itself.
    fn expected(&self, key: &[usize], tuple: Vec<String>) -> Vec<(usize, String)> {
        let columns = self.scan.relation.columns();
        key.iter()
            .copied()
            .zip(tuple)
            .filter(|(position, _)| !matches!(columns[*position].origin(0), Origin::Parent(_)))
            .collect()
    }
}

fn takes(operation: &oktant_catalog::Operation, parameter: &str) -> bool {
    operation.parameters_in(ParameterIn::Query).any(|known| known.name == parameter)
}

fn describe(key: &[&str], lists: &[Vec<String>]) -> String {
    let parts = key.iter().zip(lists).map(|(column, values)| match values.as_slice() {
        [value] => format!("{column} = {value:?}"),
        values => format!("{column} in {} keys", values.len()),
    });
    parts.collect::<Vec<_>>().join(" and ")
}
