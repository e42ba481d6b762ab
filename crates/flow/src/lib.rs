//! Flows as data.

mod address;
pub mod flopack;
pub mod folder;
pub mod model;
mod names;
pub mod text;
mod types;
pub mod validate;
mod visit;

pub use address::BadAddress;
