//! Developer commands, one module each.

pub mod codegen;
#[cfg(feature = "fidelity")]
pub mod fidelity;
