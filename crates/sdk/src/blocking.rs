//! Calls without an async runtime of one's own.
//!
//! Every request has a `call` that blocks until its answer is there, and every list an `iter`.
//! They run on one private runtime that starts with the first of them.
//!
//! ```no_run
//! # fn example() -> Result<(), oktant_sdk::Error> {
//! use oktant_sdk::{Properties, blocking};
//!
//! let properties = Properties::parse("okta:///?Domain=acme.okta.com&APIToken=00abc").map_err(oktant_client::Error::from)?;
//! let okta = blocking::connect(&properties)?;
//! let me = okta.users().get_user("me").call()?;
//! for group in okta.groups().list_groups().iter() {
//!     println!("{:?}", group?.id);
//! }
//! # Ok(())
//! # }
//! ```

use std::sync::LazyLock;

use futures::{Stream, StreamExt};
use oktant_client::Properties;
use tokio::runtime::{Builder, Runtime};

use crate::{Error, Okta};

/// One worker drives the connections; what callers wait for runs on their own threads.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let builder = Builder::new_multi_thread().worker_threads(1).thread_name("oktant-blocking").enable_all().build();
    builder.expect("a thread and the system's event queue are to be had")
});

/// Opens the org that `properties` name, as [`Okta::connect`] does.
///
/// # Errors
///
/// What the properties, the settings store or the authorization server object to.
///
/// # Panics
///
/// If called from async code: it would block the runtime.
pub fn connect(properties: &Properties) -> Result<Okta, Error> {
    wait(Okta::connect(properties))
}

/// Blocks until `future`, such as [`Pending`](crate::Pending), is done.
///
/// # Panics
///
/// If called from async code: it would block the runtime.
pub fn wait<F: IntoFuture>(future: F) -> F::Output {
    RUNTIME.block_on(future.into_future())
}

/// A stream as an iterator.
#[derive(Debug)]
pub struct Iter<S>(S);

impl<S: Stream + Unpin> Iter<S> {
    /// Iterates over `stream`, such as [`Pages`](crate::Pages).
    pub fn over(stream: S) -> Self {
        Self(stream)
    }
}

impl<S: Stream + Unpin> Iterator for Iter<S> {
    type Item = S::Item;

    fn next(&mut self) -> Option<S::Item> {
        wait(self.0.next())
    }
}
