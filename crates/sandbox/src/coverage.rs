//! How much of the API the sandbox serves, and how.

use std::fmt;

use oktant_catalog::{Api, Operation};

use crate::{http, oauth, resources};

/// How an operation is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Behaviour {
    /// By code that was written for it.
    Real,
    /// By what the description says: documents that are checked, stored, listed and given back.
    Generic,
    /// Not at all.
    Neither,
}

/// Every operation with how it is served, in the order of the catalogue.
#[derive(Debug, Clone)]
pub struct Coverage {
    operations: Vec<(&'static Operation, Behaviour)>,
}

/// How each operation of the management API is served, and each of the OAuth description's that an
/// authorization server of the sandbox serves.
pub fn coverage() -> Coverage {
    let is_counted = |operation: &&Operation| {
        operation.api == Api::Management
            || operation.path.starts_with("/oauth2/v1/clients")
            || oauth::serves(operation)
            || http::is_typed(operation.id)
    };
    let operations = oktant_catalog::operations().iter().filter(is_counted);
    Coverage { operations: operations.map(|operation| (operation, behaviour(operation))).collect() }
}

fn behaviour(operation: &Operation) -> Behaviour {
    if http::is_typed(operation.id) || oauth::serves(operation) {
        Behaviour::Real
    } else if resources::serves(operation) {
        Behaviour::Generic
    } else {
        Behaviour::Neither
    }
}

impl Coverage {
    /// Each operation with how it is served.
    pub fn operations(&self) -> impl Iterator<Item = (&'static Operation, Behaviour)> {
        self.operations.iter().copied()
    }

    /// How many operations are served in this way.
    pub fn count(&self, behaviour: Behaviour) -> usize {
        self.operations.iter().filter(|(_, own)| *own == behaviour).count()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [real, generic, neither] =
            [Behaviour::Real, Behaviour::Generic, Behaviour::Neither].map(|behaviour| self.count(behaviour));
        write!(f, "{} operations: {real} real, {generic} generic, {neither} neither", self.operations.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_served() {
        let coverage = coverage();
        let unserved: Vec<_> = coverage
            .operations()
            .filter(|(_, how)| *how == Behaviour::Neither)
            .map(|(operation, _)| operation.id)
            .collect();
        assert_eq!(unserved, [""; 0]);
        assert!(coverage.operations().filter(|(operation, _)| operation.api == Api::Management).count() >= 732);
        println!("{coverage}");
    }
}
