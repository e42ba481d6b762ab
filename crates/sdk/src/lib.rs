//! Every operation of Okta's API, typed and async.
//!
//! [`Okta`] is an org. Its operations stand in groups, each behind a cargo feature; their methods
//! are the operation ids of Okta's reference in `snake_case`. What an operation must have are the
//! arguments, everything else is set on the request; `.await` sends it.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use oktant_sdk::{Okta, Properties, models};
//!
//! let okta = Okta::connect(&Properties::parse("okta:///?Domain=acme.okta.com&APIToken=00abc")?).await?;
//!
//! let me = okta.users().get_user("me").await?;
//! println!("{:?}, answered as {:?}", me.status, me.meta.request_id);
//!
//! let mut active = okta.users().list_users().search("status eq \"ACTIVE\"").limit(200).stream();
//! while let Some(user) = active.next().await {
//!     println!("{:?}", user?.id);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Lists are read as one page (`.await`), as a stream of items (`stream`), of pages (`pages`), or at
//! once (`collect`); all follow the org's links to the end. [`Page::next`] can be written down and
//! resumed. Answers are [`Reply`]s: the value, and in `meta` what the org said besides.
//!
//! Reading tolerates what deviates from the description and reports it in [`Meta::warnings`]. The
//! same holds for values: enumerations are open and objects keep what they do not know.
#![doc = include_str!("../README.md")]

#[macro_use]
mod macros;

mod answer;
#[cfg(feature = "blocking")]
pub mod blocking;
mod content;
mod empty;
mod error;
mod generated;
mod listing;
mod okta;
#[cfg(feature = "system-log")]
mod poll;
mod request;
mod wrapped;

pub use answer::{Meta, Page, Reply};
pub use content::{Certificate, Upload};
pub use error::{DecodeError, Error};
pub use generated::*;
pub use listing::{Items, Listing, Pages};
pub use okta::Okta;
pub use oktant_catalog::Method;
/// `okta.yaml` and the environment, for [`Okta::from_config`].
pub use oktant_client::config;
pub use oktant_client::{ApiError, Cursor, Edges, Org, Properties, RateLimit};
/// The schemas of the API as types.
pub use oktant_models as models;
pub use request::{Pending, Request};
