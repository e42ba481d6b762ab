//! Applications of a generated org, and who may use them.

use std::collections::BTreeMap;

use oktant_base::Entropy;
use serde_json::{Map, Value, json};

use crate::apps::{self, AppGroup, AppUser};
use crate::store::{Datum, Group, GroupKind, Id, NumberSet, Profile, Stamp, Status, Store, UserNumber};

/// Users assigned directly to each app.
const DIRECT_USERS: usize = 5;

/// Groups assigned to each app.
const GROUPS: usize = 3;

/// Adds one app of each kind, with some groups and users assigned.
pub(super) fn add(store: &mut Store, entropy: &dyn Entropy, now: Stamp) {
    let groups: Vec<Id> =
        store.groups.iter().filter(|(_, group)| group.kind == GroupKind::Okta).map(|(_, group)| group.id).collect();
    let users: Vec<UserNumber> = store
        .users
        .iter()
        .filter(|(_, user)| user.status == Status::Active)
        .map(|(number, _)| number)
        .take(DIRECT_USERS * 10)
        .collect();
    for (index, description) in descriptions().into_iter().enumerate() {
        // The descriptions below are complete; one that were not would leave its app out.
        let Ok(mut app) = apps::from_body(store, &description, now, entropy) else { continue };
        app.active = index != INACTIVE;
        app.users = direct(&users, index, now);
        let assigned = groups.iter().cycle().skip(index * 2).take(GROUPS.min(groups.len()));
        for (priority, group) in assigned.enumerate() {
            let assignment =
                AppGroup { created: now, last_updated: now, priority: priority as i64, profile: Map::new() };
            app.groups.insert(*group, assignment);
        }
        if index == WITH_GROUP {
            add_group(store, app.id, &app.label, &users, now);
        }
        store.apps.insert(app.id, app);
    }
}

/// A group that the app brought along, which only the app may change.
fn add_group(store: &mut Store, source: Id, label: &str, users: &[UserNumber], now: Stamp) {
    let mut profile = Profile::with_capacity(2);
    profile.set("name", Datum::Text(format!("{label} users").into()));
    profile.set("description", Datum::Null);
    let id = store.ids.next("00g");
    let number = store.groups.add(Group {
        id,
        kind: GroupKind::App(source),
        created: now,
        last_updated: now,
        last_membership_updated: now,
        profile,
        members: NumberSet::default(),
    });
    for user in users {
        store.add_member(number, *user, now);
    }
}

/// Which of the apps brings a group along.
const WITH_GROUP: usize = 2;

/// Which of the apps is switched off.
const INACTIVE: usize = 4;

fn direct(users: &[UserNumber], index: usize, now: Stamp) -> BTreeMap<UserNumber, AppUser> {
    let assignment = AppUser {
        by_group: false,
        created: now,
        last_updated: now,
        user_name: None,
        has_password: false,
        profile: Map::new(),
    };
    let chosen = users.iter().skip(index * DIRECT_USERS).take(DIRECT_USERS);
    chosen.map(|number| (*number, assignment.clone())).collect()
}

fn descriptions() -> Vec<Map<String, Value>> {
    let all = [
        json!({
            "label": "Handbook", "signOnMode": "BOOKMARK",
            "settings": { "app": { "url": "https://handbook.example" } },
        }),
        json!({
            "label": "Storefront", "signOnMode": "OPENID_CONNECT",
            "settings": { "oauthClient": {
                "redirect_uris": ["https://store.example/callback"],
                "grant_types": ["authorization_code", "refresh_token"],
            } },
        }),
        json!({
            "label": "Payroll", "signOnMode": "SAML_2_0",
            "settings": { "signOn": { "ssoAcsUrl": "https://payroll.example/acs", "audience": "https://payroll.example" } },
        }),
        json!({
            "label": "Timesheets", "signOnMode": "BROWSER_PLUGIN", "name": "template_swa",
            "settings": { "app": {
                "url": "https://time.example/login", "usernameField": "#user", "passwordField": "#password",
                "buttonField": "#go",
            } },
        }),
        json!({
            "label": "Old \"Intranet\"", "signOnMode": "BASIC_AUTH",
            "settings": { "app": { "url": "https://intranet.example", "authURL": "https://intranet.example/auth" } },
        }),
    ];
    all.into_iter().filter_map(|description| description.as_object().cloned()).collect()
}
