//! Everything a connection takes from outside: time, chance, the browser and the environment.

use std::collections::BTreeMap;
use std::sync::Arc;

use oktant_base::{Clock, Entropy, OsEntropy, SystemClock};

use crate::auth::{Browser, SystemBrowser};

/// What a connection takes from the machine it runs on. Clones share the same sources.
#[derive(Debug, Clone)]
pub struct Edges {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// What shows a sign-in page to a person.
    pub browser: Arc<dyn Browser>,
    /// Environment variables, read once.
    pub variables: Arc<BTreeMap<String, String>>,
}

impl Edges {
    /// The machine's own: its clock, generator and environment.
    pub fn system() -> Self {
        let variables = Arc::new(std::env::vars().collect());
        Self {
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            browser: Arc::new(SystemBrowser::new(Arc::clone(&variables))),
            variables,
        }
    }
}
