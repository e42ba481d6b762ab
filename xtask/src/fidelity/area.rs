//! Which part of the API an operation belongs to.

use oktant_catalog::Operation;

/// The part of the API that an operation belongs to: its tag group.
pub(super) fn area(operation: Option<&Operation>) -> &'static str {
    operation.map_or("no operation of the catalogue", |operation| operation.group)
}
