//! What every crate of Oktant shares: time, randomness, secrets, error codes and limits.
//!
//! Nothing here does I/O except the two edge implementations, [`SystemClock`] and
//! [`OsEntropy`]; everything else in the workspace takes a [`Clock`] and an [`Entropy`]
//! as parameters, so that tests own time and chance.

mod clock;
pub mod codes;
mod entropy;
mod error;
pub mod limits;
mod secret;

pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use codes::{Code, DbApi};
pub use entropy::{Entropy, OsEntropy, SeededEntropy};
pub use error::{Coded, Report};
pub use secret::Secret;

/// Client id of the public application that every sandbox org has: the authorization code flow
/// with PKCE, any loopback redirect address, all `okta.*` scopes.
///
/// A client uses it at an org on a loopback address if it is given no other one. No real org has
/// an application of this id.
pub const SANDBOX_CLIENT_ID: &str = "0oa0oktant0sandbox00";
