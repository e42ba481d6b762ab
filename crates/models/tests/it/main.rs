//! Tests of the models.

mod changes;
mod fields;
mod instances;
mod recordings;
mod support;
mod tolerance;
mod unions;
