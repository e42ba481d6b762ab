//! Flows in both forms: real exports, own scenarios, and flows made by chance.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "tells what was skipped and counted")]

mod chance;
mod normal;
mod packs;
mod scenarios;
mod templates;
