//! Flows as data.

mod address;
pub mod flopack;
pub mod model;
mod names;
pub mod text;
mod types;
mod visit;

pub use address::BadAddress;
