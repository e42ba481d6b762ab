//! The values and functions, by their tables.

mod limits;
mod oracle;
mod support;
mod table;
mod values;
