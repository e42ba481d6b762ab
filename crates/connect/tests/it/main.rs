//! What a flow may reach, how connections live, and what the cards do.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail at the line, as tests do")]

mod callers;
mod common;
mod connecting;
mod guard;
mod manifests;
mod okta;
mod okta_cards;
mod org;
mod query;
mod records;
mod retention;
mod salesforce;
mod salesforce_cards;
mod seed;
mod services;
mod tables;
mod web;
