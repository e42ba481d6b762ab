//! A local Okta org that behaves like a real one; shares no code with the client.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use oktant_sandbox::Sandbox;
//!
//! let sandbox = Sandbox::builder().users(50).groups(5).seed(7).start().await.expect("a free port");
//! assert!(sandbox.url().starts_with("http://127.0.0.1:"));
//! sandbox.shutdown().await;
//! # });
//! ```
//!
//! # Faults
//!
#![doc = include_str!("../../../docs/reference/faults.md")]

mod app_credentials;
mod apps;
mod auth_servers;
mod certificate;
mod clock;
mod coverage;
mod devices;
mod email_templates;
mod enrollments;
mod factors;
pub mod fuzzing;
mod generate;
mod group_push;
mod groups;
mod hooks;
mod http;
mod iam;
mod idps;
mod linked_objects;
mod listener;
mod logs;
mod mappings;
mod oauth;
mod org;
mod policies;
mod provisioning;
mod resources;
mod roles;
mod rules;
mod salesforce;
mod sandbox;
mod schemas;
mod search;
mod sessions;
mod store;
mod truth;
mod users;

pub use coverage::{Behaviour, Coverage, coverage};
pub use hooks::{Outgoing, Unanswered};
pub use http::{Effect, Fault, RateLimits, RecordedRequest, Traffic, WrongLink};
pub use salesforce::{
    Salesforce, SalesforceAnnouncement, SalesforceBuilder, SalesforceSchema, SchemaError as SalesforceSchemaError,
};
pub use sandbox::{Announcement, Builder, Error, Sandbox};
pub use truth::{Membership, Truth};
