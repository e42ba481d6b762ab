//! From predicates to requests.
//!
//! [`plan`] decides which requests answer a scan: what the org evaluates is translated by
//! [`Translator`], the rest stays with the engine. The rule that all of it keeps: the org may
//! return too much, it must never be asked to drop a row that SQL would keep.

mod access;
mod count;
mod estimate;
mod expression;
mod keys;
mod literal;
mod lookup;
mod narrowing;
mod operand;
mod pattern;
mod plan;
mod projection;
mod spelling;
mod time_range;
mod translate;

#[cfg(test)]
mod tests;

pub(crate) use access::scan_of_parents;
pub(crate) use count::CountFromStatistics;
pub use estimate::{expected_per_minute, seconds};
pub use expression::{Expression, Literal, Operator};
pub(crate) use literal::{Constant, iso_instant};
pub(crate) use plan::excluded_status;
pub use plan::plan;
pub use translate::{Class, Pushed, Selectivity, Translation, Translator};
