//! Every operation of Okta's API, typed and async.
//!
//! [`Okta`] is an org. Its operations stand in groups, each behind a cargo feature; their methods
//! are the operation ids of Okta's reference in `snake_case`. What an operation must have are the
//! arguments, everything else is set on the request; `.await` sends it.
//!
//! ```
//! # #[cfg(feature = "users")] {
//! use oktant_sdk::models::{CreateUserRequest, UserProfile};
//! use oktant_sdk::{Error, Okta, Properties};
//!
//! async fn greet(org: &str) -> Result<Vec<String>, Error> {
//!     // `okta:///?Domain=acme.okta.com&APIToken=00abc` names an org; `Okta::from_environment` reads okta.yaml.
//!     let okta = Okta::connect(&Properties::parse(org)?).await?;
//!
//!     let profile = UserProfile {
//!         login: "ada@example.com".into(),
//!         email: "ada@example.com".into(),
//!         first_name: "Ada".into(),
//!         last_name: "Lovelace".into(),
//!         ..Default::default()
//!     };
//!     let ada = okta.users().create_user(&CreateUserRequest { profile: profile.into(), ..Default::default() }).await?;
//!     assert_eq!(ada.meta.status, 200);
//!
//!     let mut names = Vec::new();
//!     let mut users = okta.users().list_users().search("profile.lastName eq \"Lovelace\"").limit(200).stream();
//!     while let Some(user) = users.next().await {
//!         names.extend(user?.profile.as_ref().and_then(|profile| profile.first_name.clone().into_option()));
//!     }
//!     Ok(names)
//! }
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let sandbox = oktant_sandbox::Sandbox::builder().start().await.unwrap();
//! # assert_eq!(greet(&sandbox.dsn()).await.unwrap(), ["Ada"]);
//! # });
//! # }
//! ```
//!
//! Lists are read as one page (`.await`), as a stream of items (`stream`), of pages (`pages`), or at
//! once (`collect`); all follow the org's links to the end. [`Page::next`] can be written down and
//! resumed. Answers are [`Reply`]s: the value, and in `meta` what the org said besides.
//!
//! Reading tolerates what deviates from the description and reports it in [`Meta::warnings`]. The
//! same holds for values: enumerations are open and objects keep what they do not know.
//!
//! # Groups
//!
//! Each group of operations is a feature and a handle of [`Okta`]; `full` has all of them.
//!
#![doc = include_str!("../groups.md")]
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
