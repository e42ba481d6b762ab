//! Configuration as Okta's own clients read it: files, environment and values passed in code.
//!
//! From the lowest rank to the highest:
//!
//! 1. `okta.yaml` in `.okta` of the home folder, then `okta.yaml` in the working folder;
//!    or one file named in their place,
//! 2. the profile chosen, from `okta.profiles.NAME` of the same files,
//! 3. variables of Okta's Terraform provider, such as `OKTA_API_TOKEN`,
//! 4. `OKTA_CLIENT_*` and `OKTA_TESTING_*`, in both spellings that are in use:
//!    `OKTA_CLIENT_RATELIMIT_MAXRETRIES` and `OKTA_CLIENT_RATE_LIMIT_MAX_RETRIES`,
//! 5. the values passed in code.
//!
//! They merge key by key. A null is as good as no value; an empty text of a file or of code takes away what
//! lower ranks give, an empty variable does not. Every problem is reported at once with its key and its place; unknown
//! keys are warnings. The result is the [`Properties`] that [`Org::connect`](crate::Org::connect) takes.
//!
//! ```
//! use oktant_client::config::{Loader, Surroundings};
//!
//! let values = serde_json::json!({"orgUrl": "https://acme.okta.com", "token": "00abc", "rateLimit": {"maxRetries": 2}});
//! let config = Loader::new(Surroundings::none()).values(values).load()?;
//! assert_eq!(config.properties.org.as_str(), "https://acme.okta.com/");
//! assert_eq!(config.properties.network.retries, 2);
//! # Ok::<(), oktant_client::config::Error>(())
//! ```

use std::path::PathBuf;
use std::sync::Arc;

use oktant_base::Secret;
use serde_json::Value as Json;

mod error;
mod keys;
mod layers;
mod pem;
mod resolve;
mod surroundings;
mod tree;

pub use error::{Error, Problem, Source};
pub use surroundings::{Files, Surroundings, SystemFiles};

use crate::Properties;
use crate::auth::Signer;
use layers::Layers;

/// Collects the sources of a configuration and reads them.
#[derive(Debug, Clone)]
pub struct Loader {
    around: Surroundings,
    file: Option<PathBuf>,
    profile: Option<String>,
    values: Vec<Secret<Json>>,
    signer: Option<Arc<dyn Signer>>,
}

/// A configuration, read and checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// What [`Org::connect`](crate::Org::connect) takes.
    pub properties: Properties,
    /// What was ignored or corrected.
    pub warnings: Vec<Problem>,
    /// Every setting that was given, in the order of the documentation.
    pub settings: Vec<Setting>,
}

/// One setting that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Dotted key, such as `okta.client.orgUrl`.
    pub key: String,
    /// The value in force, masked if secret; words are separated by blanks.
    pub value: String,
    /// Where it came from.
    pub source: Source,
}

impl Loader {
    /// Reads from these surroundings.
    pub fn new(around: Surroundings) -> Self {
        Self { around, file: None, profile: None, values: Vec::new(), signer: None }
    }

    /// Reads from the machine: its variables, the home folder and the working folder as they are now.
    pub fn system() -> Self {
        Self::new(Surroundings::system())
    }

    /// Reads this file in place of those of the home folder and the working folder. It must exist.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// Takes the profile of this name from the files, in place of the one that `OKTA_PROFILE` names.
    #[must_use]
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.profile = Some(name.into());
        self
    }

    /// Takes values: a map of the client's keys (`{"orgUrl": …, "proxy": {"host": …}}`), which may
    /// also stand within the sections `client` and `testing`. Later values win over earlier ones.
    #[must_use]
    pub fn values(mut self, values: Json) -> Self {
        self.values.push(Secret::new(values));
        self
    }

    /// Signs the assertions of a service app elsewhere, in place of `privateKey`.
    #[must_use]
    pub fn signer(mut self, signer: Arc<dyn Signer>) -> Self {
        self.signer = Some(signer);
        self
    }

    /// Reads the sources.
    ///
    /// # Errors
    ///
    /// Every problem at once, see [`Error`].
    pub fn load(&self) -> Result<Config, Error> {
        let mut layers = Layers::default();
        layers.take_files(&self.around, self.file.as_deref(), self.profile.as_deref());
        layers.take_variables(&self.around.variables);
        for values in &self.values {
            layers.take_code(values.expose());
        }
        resolve::resolve(layers, &self.around, self.signer.clone())
    }
}

impl Config {
    /// The value of a setting that was given, such as `okta.client.logging.logLevel`; masked if secret.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.settings.iter().find(|setting| setting.key == key).map(|setting| setting.value.as_str())
    }

    /// Whether a switch such as `okta.client.raiseException` was given and is on.
    pub fn is_on(&self, key: &str) -> bool {
        self.get(key) == Some("true")
    }
}
