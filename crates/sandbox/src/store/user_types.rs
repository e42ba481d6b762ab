//! User types beside the default one.

use super::{Id, Stamp};

/// A kind of user with a schema of its own.
#[derive(Debug, Clone)]
pub(crate) struct UserType {
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) description: Option<String>,
    pub(crate) created: Stamp,
    pub(crate) last_updated: Stamp,
    pub(crate) created_by: Id,
    pub(crate) last_updated_by: Id,
}
