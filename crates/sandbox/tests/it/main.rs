//! The sandbox over HTTP, as a stranger's client sees it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail at the line, as tests do")]

mod access;
mod apps;
mod auth_servers;
mod branding;
mod directory;
mod factors;
mod faults;
mod generated;
mod groups;
mod hooks;
mod http;
mod idps;
mod logs;
mod policies;
mod resources;
mod rules;
mod salesforce;
mod search;
mod sessions;
mod support;
mod users;
