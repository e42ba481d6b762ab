//! The SCIM 2.0 protocol (RFC 7643, RFC 7644, RFC 9865) as a service provider speaks it; knows no database.
//!
//! A service implements [`Provider`]: who calls, and how users and groups are kept. [`router`] makes an HTTP service of it;
//! [`memory`] is an example of one. What a caller gets is a matter of its [`Profile`]: the standard, or Snowflake's account of it.
//!
//! A provider is given what it has to do, not how it was said: a [`Resource`] in the names and types of the [`schema`], a
//! [`Filter`] whose paths are resolved, a [`Patch`] that changes a resource and tells apart what becomes of the members
//! of a group, so that a change of one member of many costs one row.
//!
//! ```
//! use oktant_scim::{Filter, Kind, Patch, Profile, Resource};
//! use serde_json::json;
//!
//! let filter = Filter::parse("USERNAME eq \"Ann\" and emails[type eq \"work\"]", Kind::User, Profile::Rfc)?;
//! assert_eq!(filter.to_string(), "userName eq \"Ann\" and emails[type eq \"work\"]");
//!
//! let patch = Patch::from_json(Kind::Group, Profile::Rfc, &json!({
//!     "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
//!     "Operations": [
//!         { "op": "replace", "value": { "displayName": "Sales" } },
//!         { "op": "remove", "path": "members[value eq \"7\"]" },
//!     ],
//! }))?;
//! let attributes = json!({ "displayName": "Marketing" }).as_object().cloned().unwrap_or_default();
//! let mut group = Resource::new(Kind::Group, attributes);
//! let applied = patch.apply(&mut group)?;
//! assert_eq!(group.name(), "Sales");
//! assert_eq!(applied.members.remove().collect::<Vec<_>>(), ["7"]);
//! # Ok::<(), oktant_scim::Error>(())
//! ```

mod cursor;
mod error;
mod filter;
pub mod fuzzing;
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
pub use query::{ListQuery, Listing, Page, Place, Sort};
pub use resource::{Member, Resource, Stored};
pub use schema::Kind;
