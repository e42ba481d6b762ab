//! The listeners of `oktant serve`: SCIM, the Snowflake client protocol and the `PostgreSQL` wire protocol.
//!
//! All of them are doors to one [`Account`](oktant_warehouse::Account): users that arrive over SCIM sign
//! in over either protocol, and their roles decide which tables of the org they may read. What else is served over
//! HTTP, such as the endpoints of flows, comes in as [`Beside`].

mod cells;
mod http;
mod listen;
mod metrics;
mod okta;
mod postgres;
pub mod seed;
mod server;
mod snowflake;
mod tls;

pub use okta::OktaTables;
pub use server::{Beside, Bound, Config, Error, Server};
pub use tls::{TlsError, TlsFiles};
