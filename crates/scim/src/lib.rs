//! The SCIM 2.0 protocol (RFC 7643, RFC 7644, RFC 9865) as a service provider speaks it; knows no database.
//!
//! A service implements [`Provider`]: who calls, and how users and groups are kept. The rest is here.

mod cursor;
mod error;
mod filter;
mod http;
pub mod memory;
mod patch;
mod precondition;
mod profile;
mod projection;
mod provider;
mod query;
mod resource;
pub mod schema;

pub use crate::http::{BaseUrl, Limits, Settings, router};
pub use error::{Error, ScimType};
pub use filter::{Filter, Literal, Operator, fold_case};
pub use patch::{Applied, MemberChange, Patch};
pub use precondition::Precondition;
pub use profile::{Profile, ScimClient};
pub use projection::Projection;
pub use provider::{Caller, ClientIp, Event, EventResource, Provider};
pub use query::{ListQuery, Listing, Page, Sort};
pub use resource::{Member, Resource, Stored};
pub use schema::Kind;
