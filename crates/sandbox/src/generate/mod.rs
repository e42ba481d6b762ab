//! A believable org out of a seed.

mod apps;
mod builtin;
mod log;
mod names;
mod people;
pub(crate) mod snowflake;

use oktant_base::{SeededEntropy, Timestamp};

use crate::factors;
use crate::store::{Stamp, Store};

/// Login of the administrator.
pub(crate) const ADMIN_LOGIN: &str = "admin@oktant.example";

/// Password of the administrator.
pub(crate) const ADMIN_PASSWORD: &str = "Sandbox-Adm1n";

/// Password of every generated user that has one.
pub(crate) const SHARED_PASSWORD: &str = "Sandbox-Us3r";

/// How much to generate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) users: usize,
    pub(crate) groups: usize,
}

/// An org with its built-in objects and, if asked for, people and groups.
pub(crate) fn org(seed: u64, size: Size, now: Timestamp) -> Store {
    let mut store = Store::new(seed);
    let stamp = Stamp::of(now);
    builtin::add(&mut store, stamp);
    people::add(&mut store, seed, size, stamp);
    if size.users > 0 {
        let entropy = SeededEntropy::new(seed);
        apps::add(&mut store, &entropy, stamp);
        log::add(&mut store, &entropy, now);
        factors::seed(&mut store);
    }
    store
}
