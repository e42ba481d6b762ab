//! Developer commands, one module each.

pub mod codegen;
