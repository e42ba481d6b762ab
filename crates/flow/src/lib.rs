//! Flows as data.

mod address;
pub mod model;
mod types;

pub use address::BadAddress;
