//! Connections of flows, their secrets at rest, and the connectors behind the cards.

mod aws;
mod callers;
pub mod connection;
mod connectors;
mod error;
mod events;
mod failure;
mod fields;
pub mod files;
pub mod guard;
pub mod http;
mod log;
mod mail;
pub mod manifest;
pub mod query;
mod records;
mod services;
mod shapes;
pub mod tables;
mod transport;
mod web;

use std::fmt::Write as _;

pub use callers::OrgCallers;
pub use connectors::{Cards, Connectors, Tested, application};
pub use error::Error;
pub use log::EventLog;
pub use records::RecordLog;
pub use services::Needs;

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
