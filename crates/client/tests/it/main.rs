//! The client against servers that behave and misbehave.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail at the line, as tests do")]

mod api_calls;
#[cfg(target_os = "linux")]
mod browser;
mod config;
mod fake;
mod faults;
mod oauth;
mod pacing;
mod paging;
mod sandbox;
mod settings_store;
