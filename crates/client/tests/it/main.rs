//! The client against servers that behave and misbehave.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail at the line, as tests do")]

mod api_calls;
mod behaviours;
#[cfg(target_os = "linux")]
mod browser;
mod cache;
mod config;
mod fake;
mod faults;
mod faults_table;
mod fuzz;
mod logging;
mod oauth;
mod pacing;
mod paging;
mod sandbox;
mod services;
mod settings_store;
mod tls;
