//! Role assignments as they are stored.

use crate::http::ApiError;
use crate::store::{Id, Stamp, Store};

/// Who has a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    User(Id),
    Group(Id),
    /// A service application, by the id that its client has, too.
    Client(Id),
}

/// An application that a role is limited to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AppTarget {
    /// Kind of application, such as `template_swa`.
    pub(crate) name: String,
    /// One application of the kind; all of them if there is none.
    pub(crate) instance: Option<Id>,
}

/// One role of one holder.
#[derive(Debug, Clone)]
pub(crate) struct Assignment {
    pub(crate) holder: Holder,
    /// Unique per holder only.
    pub(crate) id: String,
    /// Type, such as `APP_ADMIN`.
    pub(crate) kind: String,
    pub(crate) label: String,
    pub(crate) created: Stamp,
    /// Custom role and resource set, for `CUSTOM`.
    pub(crate) custom: Option<(String, String)>,
    /// Groups that the role is limited to; all if empty.
    pub(crate) groups: Vec<Id>,
    /// Applications that the role is limited to; all if empty.
    pub(crate) apps: Vec<AppTarget>,
}

/// Standard roles with their labels.
const LABELS: &[(&str, &str)] = &[
    ("SUPER_ADMIN", "Super Administrator"),
    ("ORG_ADMIN", "Organization Administrator"),
    ("APP_ADMIN", "Application Administrator"),
    ("USER_ADMIN", "Group Administrator"),
    ("HELP_DESK_ADMIN", "Help Desk Administrator"),
    ("READ_ONLY_ADMIN", "Read-only Administrator"),
    ("MOBILE_ADMIN", "Mobile Administrator"),
    ("API_ACCESS_MANAGEMENT_ADMIN", "API Access Management Administrator"),
    ("REPORT_ADMIN", "Report Administrator"),
    ("GROUP_MEMBERSHIP_ADMIN", "Group Membership Administrator"),
    ("WORKFLOWS_ADMIN", "Workflows Administrator"),
    ("ACCESS_CERTIFICATIONS_ADMIN", "Access Certifications Administrator"),
    ("ACCESS_REQUESTS_ADMIN", "Access Requests Administrator"),
];

/// Roles that can be limited to groups.
const GROUP_TARGETS: [&str; 3] = ["USER_ADMIN", "HELP_DESK_ADMIN", "GROUP_MEMBERSHIP_ADMIN"];

impl Assignment {
    pub(super) fn takes_group_targets(&self) -> bool {
        GROUP_TARGETS.contains(&self.kind.as_str())
    }
}

/// A new assignment of a role. `custom` names role and resource set for type `CUSTOM`.
///
/// # Errors
///
/// 400 for a type that does not exist.
pub(crate) fn assignment(
    store: &mut Store,
    holder: Holder,
    kind: &str,
    now: Stamp,
    custom: (String, String),
) -> Result<Assignment, ApiError> {
    let label = LABELS.iter().find(|(known, _)| *known == kind).map(|(_, label)| (*label).to_owned());
    let is_custom = kind == "CUSTOM" && !custom.0.is_empty() && !custom.1.is_empty();
    let label = label.or_else(|| is_custom.then(|| custom.0.clone()));
    let label = label.ok_or_else(|| ApiError::invalid_field("type", "Invalid role type"))?;
    Ok(Assignment {
        id: assignment_id(store, holder, kind),
        holder,
        kind: kind.to_owned(),
        label,
        created: now,
        custom: is_custom.then_some(custom),
        groups: Vec::new(),
        apps: Vec::new(),
    })
}

/// # Source
///
/// Observed: targetable standard roles have the base32 of their type as id, others random ids.
fn assignment_id(store: &mut Store, holder: Holder, kind: &str) -> String {
    if kind == "APP_ADMIN" || GROUP_TARGETS.contains(&kind) {
        return base32(kind.as_bytes());
    }
    let prefix = match holder {
        Holder::User(_) => "ra1",
        Holder::Group(_) => "gra",
        Holder::Client(_) => "cra",
    };
    store.ids.next(prefix).to_string()
}

/// Base32 (RFC 4648) without padding.
pub(crate) fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for chunk in bytes.chunks(5) {
        let mut block = [0; 8];
        block[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(block);
        for index in 0..(chunk.len() * 8).div_ceil(5) {
            let digit = bits >> (35 - 5 * index) & 31;
            text.push(char::from(ALPHABET[digit as usize]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_targetable_roles_are_those_recorded() {
        assert_eq!(base32(b"USER_ADMIN"), "KVJUKUS7IFCE2SKO");
        assert_eq!(base32(b"APP_ADMIN"), "IFIFAX2BIRGUSTQ");
        assert_eq!(base32(b"HELP_DESK_ADMIN"), "JBCUYUC7IRCVGS27IFCE2SKO");
        assert_eq!(base32(b"GROUP_MEMBERSHIP_ADMIN"), "I5JE6VKQL5GUKTKCIVJFGSCJKBPUCRCNJFHA");
    }
}
