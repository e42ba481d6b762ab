//! The values and functions, by their tables.

mod values;
