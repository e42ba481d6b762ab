//! Names of profile attributes in mappings. A misspelt one would have no value for anyone, and wipe what it maps.

use std::collections::BTreeSet;

use oktant_client::Org;
use serde_json::{Map, Value as Json};

use super::{App, operation, read};
use crate::config::Mappings;
use crate::error::Error;
use crate::expression::Root;
use crate::nearest::nearest;
use crate::plan::Warning;

/// Names that nobody has had a value of so far.
#[derive(Debug)]
pub(super) struct Names(Vec<Attribute>);

#[derive(Debug)]
struct Attribute {
    root: Root,
    name: Box<str>,
    /// The target attribute that gets it.
    target: String,
}

impl Names {
    /// Those of the mappings that the file has.
    pub(super) fn of(mappings: &Mappings) -> Self {
        let names = mappings.own().flat_map(|mapping| {
            let named = mapping.expression.attributes().into_iter().filter(|(root, name)| match root {
                Root::User => !matches!(*name, "id" | "status"),
                Root::AppUser => *name != "userName",
                Root::App | Root::Group => false,
            });
            named.map(|(root, name)| Attribute { root, name: name.into(), target: mapping.path.to_string() })
        });
        Self(names.collect())
    }

    /// Strikes out those of which a user has a value.
    pub(super) fn see(&mut self, user: &Map<String, Json>, app_user: &Map<String, Json>) {
        self.0.retain(|it| {
            let profile = if it.root == Root::User { user } else { app_user };
            !profile.iter().any(|(name, value)| name.eq_ignore_ascii_case(&it.name) && !value.is_null())
        });
    }

    /// Looks those up that are left. `users` were seen.
    ///
    /// # Errors
    ///
    /// [`Error::Mapping`] for a name that is in no schema. A schema that may not be read makes a warning of it.
    ///
    /// # Source
    ///
    /// Okta developer reference, schemas: `definitions.base` and `definitions.custom` hold the attributes.
    pub(super) async fn check(&self, org: &Org, app: &App, users: usize) -> Result<Vec<Warning>, Error> {
        let mut warnings = Vec::new();
        for (root, id, argument) in [
            (Root::User, "getUserSchema", ("schemaId", "default")),
            (Root::AppUser, "getApplicationUserSchema", ("appId", app.id.as_str())),
        ] {
            let left: Vec<&Attribute> = self.0.iter().filter(|name| name.root == root).collect();
            if left.is_empty() {
                continue;
            }
            let known = match org.send(operation(id, &[argument])?).await {
                Ok(reply) => attributes(&read(id, &reply.body)?),
                Err(error) if matches!(error.status(), Some(400 | 403 | 404)) => {
                    let unread = left.iter().filter(|_| users > 0).map(|name| name.unread(&error));
                    warnings.extend(unread);
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if let Some(name) =
                left.into_iter().find(|it| !known.iter().any(|name| name.eq_ignore_ascii_case(&it.name)))
            {
                return Err(name.unknown(&known));
            }
        }
        Ok(warnings)
    }
}

impl Attribute {
    fn shown(&self) -> String {
        format!("{}.{}", self.root.name(), self.name)
    }

    fn unread(&self, error: &oktant_client::Error) -> Warning {
        let (name, attribute) = (self.shown(), &self.target);
        let message = format!(
            "no assigned user has a value of {name}, which {attribute} gets; whether there is such an attribute, the \
             org does not say: {error}"
        );
        Warning { kind: "empty_attribute", message }
    }

    fn unknown(&self, known: &BTreeSet<String>) -> Error {
        let whose = if self.root == Root::User { "users of the org" } else { "users in the application" };
        let nearest = nearest(&self.name, known.iter().map(String::as_str));
        let advice = nearest.map_or_else(String::new, |name| format!("; did you mean {}.{name}?", self.root.name()));
        Error::Mapping {
            attribute: self.target.clone(),
            problem: format!("{whose} have no attribute {}{advice}", self.name),
        }
    }
}

/// The names that a schema defines.
fn attributes(schema: &Json) -> BTreeSet<String> {
    let part = |part: &str| schema["definitions"][part]["properties"].as_object().into_iter().flatten();
    part("base").chain(part("custom")).map(|(name, _)| name.clone()).collect()
}
