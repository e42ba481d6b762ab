//! Every operation through its typed request: against the sandbox, and against recorded answers.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail at the line, as tests do")]

mod arguments;
mod calls;
mod cases;
mod every_operation;
mod example;
mod replay;
mod world;
