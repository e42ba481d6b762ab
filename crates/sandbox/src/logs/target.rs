//! What an event is about, and who caused it.

use serde_json::{Value, json};

use crate::store::{Group, User};

/// An actor or target of an event.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    pub(crate) alternate_id: String,
    pub(crate) display_name: String,
}

impl Target {
    pub(crate) fn user(user: &User) -> Self {
        Self {
            id: user.id.to_string(),
            kind: "User",
            alternate_id: user.login().to_owned(),
            display_name: user.display_name(),
        }
    }

    pub(crate) fn group(group: &Group) -> Self {
        Self {
            id: group.id.to_string(),
            kind: "UserGroup",
            alternate_id: "unknown".to_owned(),
            display_name: group.name().to_owned(),
        }
    }

    /// Something with an id and a name.
    pub(crate) fn named(kind: &'static str, id: &str, name: &str) -> Self {
        Self { id: id.to_owned(), kind, alternate_id: name.to_owned(), display_name: name.to_owned() }
    }

    /// The org itself.
    pub(crate) fn system() -> Self {
        Self {
            id: "system@okta.com".to_owned(),
            kind: "SystemPrincipal",
            alternate_id: "system@okta.com".to_owned(),
            display_name: "Okta System".to_owned(),
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "type": self.kind,
            "alternateId": self.alternate_id,
            "displayName": self.display_name,
            "detailEntry": null,
        })
    }
}
