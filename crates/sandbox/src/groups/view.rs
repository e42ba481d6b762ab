//! Groups as JSON.

use serde_json::{Value, json};

use super::list::Expand;
use super::members::members;
use crate::store::json::{write_text, write_value};
use crate::store::{Group, GroupKind, Stamp, Store};

/// Appends a group.
pub(crate) fn write_group(out: &mut Vec<u8>, base: &str, group: &Group) {
    write_open(out, base, group);
    out.push(b'}');
}

/// Appends a group with what `expand` asks to be embedded.
pub(crate) fn write_expanded(out: &mut Vec<u8>, store: &Store, base: &str, group: &Group, expand: Expand) {
    write_open(out, base, group);
    let app = match group.kind {
        GroupKind::App(source) if expand.app => crate::apps::embedded(store, base, source),
        _ => None,
    };
    if expand.stats || app.is_some() {
        out.extend_from_slice(b",\"_embedded\":{");
        if expand.stats {
            out.extend_from_slice(b"\"stats\":");
            write_value(out, &stats(store, base, group));
        }
        if let Some(app) = app {
            out.extend_from_slice(if expand.stats { b",\"app\":" } else { b"\"app\":" });
            write_value(out, &app);
        }
        out.push(b'}');
    }
    out.push(b'}');
}

/// The counts of `expand=stats`.
fn stats(store: &Store, base: &str, group: &Group) -> Value {
    let users = match group.kind {
        GroupKind::Everyone => members(store, group, None).count(),
        GroupKind::Okta | GroupKind::BuiltIn | GroupKind::App(_) => group.members.len(),
    };
    json!({
        "usersCount": users,
        "appsCount": crate::apps::count_of_group(store, group.id),
        "groupPushMappingsCount": 0,
        "hasAdminPrivilege": crate::roles::group_has_roles(store, group.id),
        "_links": { "self": { "href": format!("{base}/api/v1/groups/{}", group.id) } },
    })
}

/// Appends a group without its closing brace, so that something embedded can follow.
fn write_open(out: &mut Vec<u8>, base: &str, group: &Group) {
    let id = group.id.as_str();
    out.extend_from_slice(b"{\"id\":");
    write_text(out, id);
    let times = [
        ("created", group.created),
        ("lastUpdated", group.last_updated),
        ("lastMembershipUpdated", group.last_membership_updated),
    ];
    for (name, time) in times {
        write_time(out, name, time);
    }
    let class = match group.kind {
        GroupKind::App(_) => "okta:windows_security_principal",
        GroupKind::Okta | GroupKind::Everyone | GroupKind::BuiltIn => "okta:user_group",
    };
    out.extend_from_slice(b",\"objectClass\":[");
    write_text(out, class);
    out.extend_from_slice(b"],\"type\":");
    write_text(out, group.kind.as_str());
    if let GroupKind::App(source) = group.kind {
        out.extend_from_slice(b",\"source\":{\"id\":");
        write_text(out, source.as_str());
        out.push(b'}');
    }
    out.extend_from_slice(b",\"profile\":");
    group.profile.write(out, |_| true);
    write_links(out, base, id, &group.kind);
}

fn write_time(out: &mut Vec<u8>, name: &str, time: Stamp) {
    out.push(b',');
    write_text(out, name);
    out.extend_from_slice(b":\"");
    time.write(out);
    out.push(b'"');
}

fn write_links(out: &mut Vec<u8>, base: &str, id: &str, kind: &GroupKind) {
    const LOGO: &str = "https://ok12static.oktacdn.com/assets/img/logos/groups/odyssey/okta";
    out.extend_from_slice(b",\"_links\":{\"logo\":[");
    for (index, size) in ["medium", "large"].into_iter().enumerate() {
        let separator = if index == 0 { "" } else { "," };
        let logo =
            [separator, "{\"name\":\"", size, "\",\"href\":\"", LOGO, "-", size, ".png\",\"type\":\"image/png\"}"];
        extend(out, &logo);
    }
    out.push(b']');
    for name in ["users", "apps", "owners"] {
        extend(out, &[",\"", name, "\":{\"href\":\"", base, "/api/v1/groups/", id, "/", name, "\"}"]);
    }
    if let GroupKind::App(source) = kind {
        extend(out, &[",\"source\":{\"href\":\"", base, "/api/v1/apps/", source.as_str(), "\"}"]);
    }
    out.push(b'}');
}

fn extend(out: &mut Vec<u8>, parts: &[&str]) {
    for part in parts {
        out.extend_from_slice(part.as_bytes());
    }
}
