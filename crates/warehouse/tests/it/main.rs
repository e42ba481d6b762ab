//! The account from outside: statements, SCIM, both databases, secrets, crashes.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail at the line, as tests do")]

mod common;
mod contract;
mod crash;
#[path = "../../../store/tests/shared/databases.rs"]
mod databases;
mod engine;
mod objects;
mod privileges;
mod scim;
mod secrets;
mod statements;
#[path = "../../../store/tests/shared/victim.rs"]
mod victim;
