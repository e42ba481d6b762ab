//! Everything a connection takes from outside: time, chance, the browser and the environment.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use oktant_base::{Clock, Entropy, OsEntropy, SystemClock};

use crate::auth::{Browser, SystemBrowser};
use crate::cache::CacheStore;
use crate::service::Layer;

/// What a connection takes from the machine it runs on. Clones share the same sources.
#[derive(Clone)]
pub struct Edges {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// What shows a sign-in page to a person.
    pub browser: Arc<dyn Browser>,
    /// Environment variables, read once.
    pub variables: Arc<BTreeMap<String, String>>,
    /// What stands between calls and the network, the outermost first.
    pub layers: Vec<Arc<dyn Layer>>,
    /// Where answers are kept, if the properties say that they are; `None` for the memory of this process.
    pub cache: Option<Arc<dyn CacheStore>>,
}

impl fmt::Debug for Edges {
    /// Without the variables, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { clock, layers, .. } = self;
        f.debug_struct("Edges").field("clock", clock).field("layers", layers).finish_non_exhaustive()
    }
}

impl Edges {
    /// The machine's own: its clock, generator and environment.
    pub fn system() -> Self {
        let variables = variables();
        Self {
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            browser: Arc::new(SystemBrowser::new(Arc::clone(&variables))),
            variables,
            layers: Vec::new(),
            cache: None,
        }
    }

    /// The same with one more layer, below those that are there.
    #[must_use]
    pub fn layer(mut self, layer: Arc<dyn Layer>) -> Self {
        self.layers.push(layer);
        self
    }
}

/// The environment as it is now. What is not Unicode is not for us.
pub(crate) fn variables() -> Arc<BTreeMap<String, String>> {
    let variables = std::env::vars_os();
    let texts = variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Arc::new(texts.collect())
}
