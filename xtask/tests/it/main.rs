//! Tests of the developer commands.

mod codegen;
