//! The facts. Every file but this one is written by `cargo xtask codegen`.

pub(crate) mod operations;
pub(crate) mod schemas;
pub(crate) mod tables;
