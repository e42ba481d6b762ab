//! The engine against a sandbox: rows, requests, errors.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod answers;
mod attached;
mod cancellation;
mod collation;
mod counts;
mod deep;
mod differential;
mod failures;
mod faults;
mod names;
mod odd_orgs;
mod requests;
mod support;
