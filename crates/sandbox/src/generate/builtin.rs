//! What every new org contains.

use oktant_base::Secret;
use serde_json::{Value, json};

use super::{ADMIN_LOGIN, ADMIN_PASSWORD};
use crate::roles::{self, Holder};
use crate::store::{Datum, Group, GroupKind, NumberSet, Password, Profile, Stamp, Status, Store, User};

/// Adds the built-in groups and the first administrator.
///
/// # Source
///
/// Observed in recordings of new orgs.
pub(super) fn add(store: &mut Store, now: Stamp) {
    add_group(store, GroupKind::Everyone, "Everyone", "All users in your organization", now);
    let administrators = "Okta manages this group, which contains all administrators in your organization.";
    add_group(store, GroupKind::BuiltIn, "Okta Administrators", administrators, now);
    let admin = store.users.add(administrator(store, now));
    let group = store.groups.iter().find(|(_, group)| group.kind == GroupKind::BuiltIn).map(|(number, _)| number);
    if let Some(group) = group {
        store.add_member(group, admin, now);
    }
    store.default_schema.custom.extend(custom_attributes());
    let holder = Holder::User(store.admin);
    // The role is one of the standard ones, which always exist.
    if let Ok(role) = roles::assignment(store, holder, "SUPER_ADMIN", now, Default::default()) {
        store.roles.push(role);
    }
}

/// Custom attributes of users, one of each type.
fn custom_attributes() -> impl Iterator<Item = (String, Value)> {
    let entry = |name: &str, title: &str, kind: Value| {
        let mut entry = json!({ "title": title });
        for (key, value) in kind.as_object().into_iter().flatten() {
            entry[key] = value.clone();
        }
        entry["mutability"] = json!("READ_WRITE");
        entry["scope"] = json!("NONE");
        entry["permissions"] = json!([{ "principal": "SELF", "action": "READ_ONLY" }]);
        entry["master"] = json!({ "type": "PROFILE_MASTER" });
        (name.to_owned(), entry)
    };
    [
        entry("badge", "Badge", json!({ "type": "string" })),
        entry("remoteWorker", "Remote worker", json!({ "type": "boolean" })),
        entry("officeFloor", "Office floor", json!({ "type": "integer" })),
        entry("reviewScore", "Review score", json!({ "type": "number" })),
        entry("skills", "Skills", json!({ "type": "array", "items": { "type": "string" } })),
        entry("hiredOn", "Hired on", json!({ "type": "string", "format": "date" })),
    ]
    .into_iter()
}

fn add_group(store: &mut Store, kind: GroupKind, name: &str, description: &str, now: Stamp) {
    let mut profile = Profile::with_capacity(2);
    profile.set("name", Datum::Text(name.into()));
    profile.set("description", Datum::Text(description.into()));
    let id = store.ids.next("00g");
    store.groups.add(Group {
        id,
        kind,
        created: now,
        last_updated: now,
        last_membership_updated: now,
        profile,
        members: NumberSet::default(),
    });
}

fn administrator(store: &Store, now: Stamp) -> User {
    let mut profile = Profile::with_capacity(6);
    for (name, value) in [("firstName", "Ada"), ("lastName", "Min")] {
        profile.set(name, Datum::Text(value.into()));
    }
    for name in ["mobilePhone", "secondEmail"] {
        profile.set(name, Datum::Null);
    }
    for name in ["login", "email"] {
        profile.set(name, Datum::Text(ADMIN_LOGIN.into()));
    }
    User {
        id: store.admin,
        status: Status::Active,
        created: now,
        // The service never activates the first administrator; the date stays empty.
        activated: None,
        status_changed: None,
        last_login: Some(now),
        last_updated: now,
        password_changed: Some(now),
        type_id: store.default_type,
        profile,
        password: Some(Password::Text(Secret::new(ADMIN_PASSWORD.into()))),
        recovery_question: None,
        provider: None,
        groups: NumberSet::default(),
    }
}
