//! The values and functions, by their tables.

mod oracle;
mod support;
mod table;
mod values;
