//! Talks to an Okta org: connection properties, credentials, paging, rate limits, retries, ledger.
//!
//! [`Properties`] says which org and how to sign in; [`Org::connect`] opens it; a [`Call`] is one
//! operation of the catalogue or a plain method and path; [`Org::send`] answers it and
//! [`Org::pages`] streams a list. Every request is written into the [`Ledger`].
//!
//! ```no_run
//! # async fn example() -> Result<(), oktant_client::Error> {
//! use futures::StreamExt;
//! use oktant_client::{Call, Edges, Org, Properties};
//!
//! let properties = Properties::parse("okta:///?Domain=acme.okta.com&APIToken=00abc")?;
//! let org = Org::connect(&properties, Edges::system()).await?;
//! let mut pages = org.pages(Call::get("/api/v1/groups")?.query("limit", "200"));
//! while let Some(page) = pages.next().await {
//!     println!("{} bytes", page?.body.len());
//! }
//! # Ok(())
//! # }
//! ```

pub mod config;
#[doc(hidden)]
pub mod fuzzing;
pub mod private_file;
pub mod properties;
pub mod service;

mod auth;
mod cache;
mod call;
mod edges;
mod error;
mod exchange;
mod http;
mod ledger;
mod nearest;
mod org;
mod pages;
mod redact;

pub use auth::{Browser, CodeFlow, CodeRequest, SignInPage, Signer, SystemBrowser, WaitingBrowser, sign_jwt};
pub use cache::{CacheStore, CachedReply, MemoryStore};
pub use call::{Call, is_segment};
pub use config::Config;
pub use edges::Edges;
pub use error::{ApiError, ConnectFailure, Error, Phase};
pub use ledger::{Entry, EntryId, Ledger, RateLimit, StatementId, Summary};
pub use org::{Org, Reply};
pub use pages::{Cursor, Page, Pages};
// For bindings that read answers which came another way.
#[doc(hidden)]
pub use pages::{Link, links};
pub use properties::Properties;
