//! The HTTP face of the org: what every operation has in common.

pub(crate) mod admin;
mod auth;
mod call;
mod dispatch;
pub(crate) mod errors;
mod faults;
mod headers;
mod ledger;
mod limits;
pub(crate) mod links;
mod reply;
mod server;
mod traffic;
mod unlisted;

pub(crate) use auth::{ApiToken, Presented, Principal, TokenError};
pub(crate) use call::Call;
pub(crate) use dispatch::{Handler, is_typed};
pub(crate) use errors::ApiError;
pub(crate) use faults::HTML;
pub use faults::{Effect, Fault, WrongLink};
pub use ledger::RecordedRequest;
pub(crate) use limits::Limits;
pub use limits::RateLimits;
pub(crate) use reply::{Outcome, Reply};
pub(crate) use server::{REQUEST_BYTES_MAX, broken_off, router};
pub use traffic::Traffic;
