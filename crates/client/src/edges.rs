//! Everything a connection takes from outside: time, chance, the browser and the environment.

use std::collections::BTreeMap;
use std::sync::Arc;

use oktant_base::{Clock, Entropy, OsEntropy, SystemClock};

/// What a connection takes from the machine it runs on. Clones share the same sources.
#[derive(Debug, Clone)]
pub struct Edges {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Environment variables, read once.
    pub variables: Arc<BTreeMap<String, String>>,
}

impl Edges {
    /// The machine's own: its clock, generator and environment.
    pub fn system() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            variables: Arc::new(std::env::vars().collect()),
        }
    }
}
