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

mod factors;
mod generate;
mod groups;
mod http;
mod oauth;
mod org;
mod sandbox;
mod schemas;
mod store;
mod users;

pub use http::{RateLimits, RecordedRequest};
pub use sandbox::{Announcement, Builder, Error, Sandbox};
