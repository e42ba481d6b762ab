//! Attribute mappings: what the target gets, by which expression, and when.

use std::ops::Deref;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::attribute::{AttributePath, USER_SCHEMA};
use crate::error::Error;
use crate::expression::{EvaluateError, Expression, Scope, Value};

/// Mappings of one provisioning: a row has a bit for each in a word of this size.
pub(crate) const MAPPINGS_MAX: usize = 64;

/// One target attribute and its expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    /// The target attribute.
    pub path: AttributePath,
    /// What it gets.
    pub expression: Expression,
    /// When it is sent.
    pub apply: Apply,
    /// What happens when it was changed at the target.
    pub drift: DriftPolicy,
}

/// When an attribute is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Apply {
    /// On create and on update.
    #[default]
    Always,
    /// On create only.
    Create,
}

/// What happens to an attribute that was changed at the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftPolicy {
    /// It is overwritten.
    #[default]
    Overwrite,
    /// It stays as it is at the target.
    Keep,
    /// It stays, and the plan warns of it.
    Alert,
}

/// All mappings; the first is `userName`. Clones share them.
#[derive(Debug, Clone)]
pub struct Mappings(Arc<[Mapping]>);

impl Deref for Mappings {
    type Target = [Mapping];

    fn deref(&self) -> &[Mapping] {
        &self.0
    }
}

/// The default mappings.
///
/// # Source
///
/// Okta's SCIM templates: `givenName`, `familyName`, `email`, `displayName` of the application's profile, which
/// Okta fills from the user; where the application's profile lacks one, the user's own counts.
const DEFAULTS: &[(&str, &str)] = &[
    ("userName", "appuser.userName"),
    ("externalId", "user.id"),
    ("name.givenName", "appuser.givenName ?: user.firstName"),
    ("name.familyName", "appuser.familyName ?: user.lastName"),
    ("displayName", "appuser.displayName ?: user.displayName ?: String.join(' ', user.firstName, user.lastName)"),
    ("emails[type eq \"work\"].value", "appuser.email ?: user.email"),
];

impl Mappings {
    /// The default ones with `own` on top, each a target attribute and its rule; an empty expression takes a default out.
    pub(super) fn build(own: Vec<(AttributePath, Rule)>) -> Result<Self, Error> {
        let mut rules: Vec<(AttributePath, Rule)> = Vec::new();
        for (path, expression) in DEFAULTS {
            let path = AttributePath::parse(path).expect("the defaults are attributes");
            rules.push((path, Rule::of(expression)));
        }
        for (path, rule) in own {
            match rules.iter_mut().find(|(known, _)| *known == path) {
                Some((_, known)) => *known = rule,
                None => rules.push((path, rule)),
            }
        }
        let kept = rules.into_iter().filter(|(path, rule)| !rule.expression.trim().is_empty() || path.is("userName"));
        let mappings = kept.map(|(path, rule)| rule.checked(path)).collect::<Result<Vec<_>, _>>()?;
        if mappings.len() > MAPPINGS_MAX {
            let (attribute, problem) = ("[mappings]".to_owned(), format!("there are more than {MAPPINGS_MAX}"));
            return Err(Error::Mapping { attribute, problem });
        }
        Ok(Self(mappings.into()))
    }

    /// Those that are not the default ones.
    pub(crate) fn own(&self) -> impl Iterator<Item = &Mapping> {
        self.iter().filter(|mapping| DEFAULTS.iter().all(|(_, text)| *text != mapping.expression.text()))
    }

    /// The row of values for the objects in `scope`.
    pub(crate) fn evaluate(&self, scope: &Scope<'_>) -> Result<Box<[Value]>, (usize, EvaluateError)> {
        let value = |(index, mapping): (usize, &Mapping)| {
            mapping.expression.evaluate(scope).map(Value::normal).map_err(|error| (index, error))
        };
        self.iter().enumerate().map(value).collect()
    }

    /// A resource with all values of a row.
    pub(crate) fn resource(&self, values: &[Value]) -> Map<String, Json> {
        let mut resource = Map::new();
        resource.insert("schemas".to_owned(), self.schemas(values));
        for (mapping, value) in self.iter().zip(values) {
            if !value.is_absent() {
                mapping.path.write(&mut resource, value);
            }
        }
        resource
    }

    /// URNs of the schemas that the values of a row belong to.
    fn schemas(&self, values: &[Value]) -> Json {
        let mut schemas = vec![USER_SCHEMA];
        for (mapping, value) in self.iter().zip(values) {
            if let Some(extension) = mapping.path.extension()
                && !value.is_absent()
                && !schemas.contains(&extension)
            {
                schemas.push(extension);
            }
        }
        schemas.into()
    }
}

/// A mapping as the file has it.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) expression: String,
    pub(super) apply: Apply,
    pub(super) drift: DriftPolicy,
}

impl Rule {
    pub(super) fn of(expression: &str) -> Self {
        Self { expression: expression.to_owned(), apply: Apply::default(), drift: DriftPolicy::default() }
    }

    fn checked(self, path: AttributePath) -> Result<Mapping, Error> {
        let Self { expression, apply, drift } = self;
        let wrong = |problem: String| Error::Mapping { attribute: path.to_string(), problem };
        let expression = Expression::parse(&expression).map_err(|error| wrong(error.to_string()))?;
        Ok(Mapping { path, expression, apply, drift })
    }
}
