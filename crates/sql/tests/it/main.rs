//! The engine against a sandbox: rows, requests, errors.

mod answers;
mod failures;
mod names;
mod requests;
mod support;
