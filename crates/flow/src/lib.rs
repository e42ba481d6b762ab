//! Flows as data.

mod address;
pub mod flopack;
pub mod model;
mod names;
mod types;

pub use address::BadAddress;
