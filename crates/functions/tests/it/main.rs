//! The values and functions, by their tables.

mod support;
mod table;
mod values;
