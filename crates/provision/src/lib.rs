//! Brings the assignments and pushed groups of an Okta application to a SCIM target: plan, apply, drift, watch.
//!
//! A [`Config`] says what, from where and to where; a [`Provisioner`] compares what the org wants, what the target
//! has and what was applied before, and gives a [`Plan`]; applying it writes each request into a journal before
//! it is sent, so that a run that was killed is taken up by the next one.
//!
//! ```no_run
//! # async fn example() -> Result<(), oktant_provision::Error> {
//! use oktant_client::{Edges, Org, Properties};
//! use oktant_provision::{ApplyOptions, Config, Provisioner};
//!
//! let edges = Edges::system();
//! let config = Config::load("provision.toml".as_ref(), &edges.variables)?;
//! let properties = Properties::parse("okta:///?Domain=acme.okta.com").map_err(oktant_client::Error::from)?;
//! let org = Org::connect(&properties, edges.clone()).await?;
//! let mut provisioner = Provisioner::open(config, org, &edges).await?;
//! provisioner.preflight().await?;
//! let plan = provisioner.plan().await?;
//! println!("{}", oktant_provision::plan_table(&plan));
//! provisioner.apply(&plan, ApplyOptions::default()).await?.complete()?;
//! provisioner.close().await
//! # }
//! ```
//!
//! **Boundary.** The target may be Oktant's own server; nothing of `oktant-scim` is used here.

pub mod attribute;
pub mod config;
pub mod expression;

mod actual;
mod apply;
mod error;
mod explain;
mod nearest;
mod plan;
mod preflight;
mod provisioner;
mod scim;
mod source;
mod state;
mod watch;

pub use apply::Report;
pub use config::Config;
pub use error::Error;
pub use explain::{ExplainedGroup, ExplainedValue, Explanation};
pub use plan::{Drift, DriftKind, DriftReport, Entry, FieldChange, Members, Plan, Summary, Warning, plan_table};
pub use provisioner::{ApplyOptions, Provisioner};
pub use scim::{Error as TargetError, Target};
pub use state::{History, OutcomeRow, RunRow, history};
pub use watch::{Round, WatchOptions};
