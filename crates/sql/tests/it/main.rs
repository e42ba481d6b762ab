//! The engine against a sandbox: rows, requests, errors.

mod answers;
mod counts;
mod differential;
mod failures;
mod names;
mod requests;
mod support;
