//! Applications as they are stored.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use oktant_base::Secret;
use serde_json::{Map, Value};

use crate::schemas::Schema;
use crate::store::{Id, Stamp, UserNumber};

/// One application.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) id: Id,
    /// Name of the kind of app, such as `bookmark`.
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) active: bool,
    pub(crate) created: Stamp,
    pub(crate) last_updated: Stamp,
    /// Everything that callers configure, as it is shown, in the order of keys that the service has.
    pub(crate) body: Map<String, Value>,
    /// Secret of an OIDC client that has one.
    pub(crate) client_secret: Option<Secret>,
    /// Id of its tile on the dashboard.
    pub(crate) link_id: Id,
    /// Users assigned directly, and those of groups whose assignment was changed by hand.
    pub(crate) users: BTreeMap<UserNumber, AppUser>,
    /// Groups assigned, in order of priority.
    pub(crate) groups: IndexMap<Id, AppGroup>,
    /// `okta.*` scopes granted to it.
    pub(crate) grants: Vec<Grant>,
    pub(crate) schema: Schema,
    pub(crate) schema_name: String,
}

impl App {
    pub(crate) fn sign_on_mode(&self) -> &str {
        self.body.get("signOnMode").and_then(Value::as_str).unwrap_or_default()
    }
}

/// A user's assignment.
#[derive(Debug, Clone)]
pub(crate) struct AppUser {
    /// Whether it comes from a group.
    pub(crate) by_group: bool,
    pub(crate) created: Stamp,
    pub(crate) last_updated: Stamp,
    /// `None` follows the app's user name template.
    pub(crate) user_name: Option<Box<str>>,
    pub(crate) has_password: bool,
    pub(crate) profile: Map<String, Value>,
}

/// A group's assignment.
#[derive(Debug, Clone)]
pub(crate) struct AppGroup {
    pub(crate) created: Stamp,
    pub(crate) last_updated: Stamp,
    pub(crate) priority: i64,
    pub(crate) profile: Map<String, Value>,
}

/// A scope that an administrator granted.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) id: Id,
    pub(crate) scope: String,
    pub(crate) created: Stamp,
    pub(crate) created_by: Id,
}
