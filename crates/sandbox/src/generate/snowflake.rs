//! An application with people and pushed groups, for the account beside a generated org.

use oktant_base::Entropy;
use serde_json::{Map, Value, json};

use crate::apps::{self, AppGroup};
use crate::store::{Datum, Group, GroupKind, Id, NumberSet, Profile, Stamp, Status, Store, UserNumber};

/// Label of the application.
const LABEL: &str = "Snowflake";

/// Groups that the application is assigned to and pushes, with the places of their members among the active users.
const GROUPS: [(&str, std::ops::Range<usize>); 2] = [("Analysts", 0..2), ("Data Engineers", 1..3)];

/// Adds the application, its groups and their push mappings. They come last, so that no other object of the org
/// depends on them.
pub(crate) fn add(store: &mut Store, entropy: &dyn Entropy, now: Stamp) {
    let description = json!({
        "name": "snowflake", "label": LABEL, "signOnMode": "SAML_2_0",
        "features": ["PUSH_NEW_USERS", "PUSH_PROFILE_UPDATES", "PUSH_USER_DEACTIVATION", "GROUP_PUSH"],
        "settings": { "app": { "subDomain": "sandbox" } },
    });
    let Value::Object(description) = description else { return };
    // The description is complete; one that were not would leave the app out.
    let Ok(mut app) = apps::from_body(store, &description, now, entropy) else { return };
    let active = store.users.iter().filter(|(_, user)| user.status == Status::Active && user.id != store.admin);
    let people: Vec<UserNumber> = active.map(|(number, _)| number).take(3).collect();
    for (priority, (name, places)) in GROUPS.into_iter().enumerate() {
        let members = people.iter().enumerate().filter(|(place, _)| places.contains(place)).map(|(_, user)| *user);
        let source = add_group(store, GroupKind::Okta, name, members.clone().collect(), now);
        let target = add_group(store, GroupKind::App(app.id), name, members.collect(), now);
        let priority = priority as i64;
        app.groups.insert(source, AppGroup { created: now, last_updated: now, priority, profile: Map::new() });
        push(store, app.id, source, target, now);
    }
    store.resources.set_singleton(
        &format!("/api/v1/apps/{}/connections/default", app.id),
        Map::from_iter([("authScheme".to_owned(), json!("TOKEN")), ("status".to_owned(), json!("ENABLED"))]),
    );
    store.apps.insert(app.id, app);
}

fn add_group(store: &mut Store, kind: GroupKind, name: &str, members: Vec<UserNumber>, now: Stamp) -> Id {
    let mut profile = Profile::with_capacity(2);
    profile.set("name", Datum::Text(name.into()));
    profile.set("description", Datum::Null);
    let id = store.ids.next("00g");
    let number = store.groups.add(Group {
        id,
        kind,
        created: now,
        last_updated: now,
        last_membership_updated: now,
        profile,
        members: NumberSet::default(),
    });
    for user in members {
        store.add_member(number, user, now);
    }
    id
}

/// Enters the mapping that pushes `source`.
fn push(store: &mut Store, app: Id, source: Id, target: Id, now: Stamp) {
    let id = store.ids.next("gPm").to_string();
    let time = now.text().replace(".000Z", "Z");
    let mapping = json!({
        "id": id, "sourceGroupId": source.as_str(), "targetGroupId": target.as_str(), "status": "ACTIVE",
        "created": time, "lastUpdated": time,
    });
    if let Value::Object(mapping) = mapping {
        store.resources.collection_mut(&format!("/api/v1/apps/{app}/group-push/mappings")).put(&id, mapping);
    }
}
