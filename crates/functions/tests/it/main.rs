//! The values and functions, by their tables.

mod limits;
mod oracle;
mod packs;
mod reference;
mod support;
mod table;
mod tokens;
mod values;
