//! Tests of the engine as its users see it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail at the line, as tests do")]

mod archive;
mod cards;
mod common;
mod crash;
#[path = "../../../store/tests/shared/databases.rs"]
mod databases;
mod desk;
mod helpers;
mod history;
mod journal;
mod kill;
mod packs;
mod templates;
mod triggers;
#[path = "../../../store/tests/shared/victim.rs"]
mod victim;
