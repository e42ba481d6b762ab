//! The SDK against an org that answers as written.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail at the line, as tests do")]

mod bodies;
mod connecting;
mod errors;
mod paging;
mod script;
