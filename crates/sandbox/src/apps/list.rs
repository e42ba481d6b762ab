//! The ways to list applications.

use oktant_filter::{Resource, Value as Found};
use serde_json::{Value, json};

use super::model::App;
use super::users::{assigned, shown_user};
use super::view;
use crate::http::{ApiError, Call, Outcome, Reply, errors, links};
use crate::search::Language;
use crate::store::{Id, Store};
use crate::users as people;

const PAGE: usize = 20;
const PAGE_MAX: usize = 200;

/// An app whose attributes can be asked for by path.
struct Searchable<'a> {
    store: &'a Store,
    app: &'a App,
    /// The user that the expression names, since asking who all users are would be dear.
    user: Option<&'a str>,
}

impl Resource for Searchable<'_> {
    fn attribute<'a>(&'a self, path: &str, visit: &mut dyn FnMut(Found<'a>)) {
        let app = self.app;
        match path {
            "id" => visit(Found::Text(app.id.as_str().into())),
            "name" => visit(Found::Text(app.name.as_str().into())),
            "status" => visit(Found::Text(if app.active { "ACTIVE" } else { "INACTIVE" }.into())),
            "group.id" => app.groups.keys().for_each(|group| visit(Found::Text(group.as_str().into()))),
            "user.id" => {
                let user = self.user.and_then(|id| Some((id, self.store.users.number(Id::parse(id)?)?)));
                if let Some((id, number)) = user
                    && assigned(self.store, app, number).is_some()
                {
                    visit(Found::Text(id.into()));
                }
            }
            "credentials.signing.kid" => visit_at(app, "credentials", "/signing/kid", visit),
            "settings.slo.enabled" => visit_at(app, "settings", "/signOn/slo/enabled", visit),
            _ => {}
        }
    }
}

fn visit_at<'a>(app: &'a App, member: &str, pointer: &str, visit: &mut dyn FnMut(Found<'a>)) {
    if let Some(value) = app.body.get(member).and_then(|value| value.pointer(pointer)) {
        value.attribute("", visit);
    }
}

/// `listApplications`.
pub(crate) fn list(store: &Store, call: &Call<'_>) -> Outcome {
    let start = call.query("q").map(str::to_lowercase).unwrap_or_default();
    let starts = |value: &str| value.to_lowercase().starts_with(&start);
    let apps = store.apps.values().filter(|app| starts(&app.name) || starts(&app.label));
    check_expand(call)?;
    // Unlike other lists, this one takes `q` and `filter` together (recorded).
    match call.query("filter") {
        None => page(store, call, apps, None),
        Some(text) => filtered(store, call, apps, text),
    }
}

/// Only one user can be embedded.
///
/// # Errors
///
/// 400 for anything else (recorded).
fn check_expand(call: &Call<'_>) -> Result<(), ApiError> {
    let well_formed = call
        .query("expand")
        .is_none_or(|expand| expand.strip_prefix("user/").is_some_and(|id| !id.is_empty() && !id.contains([',', '/'])));
    if well_formed { Ok(()) } else { Err(ApiError::validation("RequestParams").cause("Expand query is malformed.")) }
}

fn filtered<'a>(store: &'a Store, call: &Call<'_>, apps: impl Iterator<Item = &'a App>, text: &str) -> Outcome {
    let language =
        Language { table: "Applications", parameter: "filter", custom: &|_| false, equal: &["user.id", "group.id"] };
    let query = language.read(text)?;
    let user = query.expression.wanted("user.id").and_then(|ids| ids.first().copied());
    let found = apps.filter(|app| query.expression.matches(&Searchable { store, app, user }, query.case));
    let expanded = call.query("expand").and_then(|expand| expand.strip_prefix("user/")).filter(|id| user == Some(*id));
    page(store, call, found, expanded)
}

/// `listAssignedApplicationsForGroup`.
pub(crate) fn of_group(store: &Store, call: &Call<'_>) -> Outcome {
    let name = call.param("groupId");
    let group = Id::parse(name).filter(|id| store.groups.number(*id).is_some());
    let group = group.ok_or_else(|| ApiError::not_found(name, "UserGroup"))?;
    page(store, call, store.apps.values().filter(|app| app.groups.contains_key(&group)), None)
}

/// The page behind the call's cursor; apps are stored in order of their ids.
fn page<'a>(
    store: &'a Store,
    call: &Call<'_>,
    apps: impl Iterator<Item = &'a App>,
    expanded_user: Option<&str>,
) -> Outcome {
    let limit = call.limit(PAGE, PAGE_MAX)?;
    let after = call.query("after").map(|cursor| Id::parse(cursor).ok_or_else(bad_cursor)).transpose()?;
    let mut found: Vec<_> = apps.filter(|app| after.is_none_or(|after| app.id > after)).take(limit + 1).collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|last| last.id.to_string());
    let shown: Vec<_> = found.into_iter().map(|app| expanded(store, call, app, expanded_user)).collect();
    Ok(links::add(Reply::json(&shown), call, limit, next.as_deref()))
}

/// The service answers bad cursors of apps with another code than those of other lists.
fn bad_cursor() -> ApiError {
    ApiError::new(errors::E0000029).cause("Invalid cursor.")
}

fn expanded(store: &Store, call: &Call<'_>, app: &App, user: Option<&str>) -> Value {
    let mut shown = view::shown(app, store, call.base);
    let number = user.and_then(|id| store.users.number(Id::parse(id)?));
    if let Some(user) = number.and_then(|number| shown_user(store, call, app, number)) {
        shown["_embedded"] = json!({ "user": user });
    }
    shown
}

/// `listAppLinks`: the tiles of a user's dashboard.
pub(crate) fn links_of_user(store: &Store, call: &Call<'_>) -> Outcome {
    let user = people::shared(store, call)?;
    let number = store.users.number(user.id).ok_or(errors::E0000009)?;
    let apps = store.apps.values().filter(|app| app.active && assigned(store, app, number).is_some());
    let tiles: Vec<_> = apps
        .enumerate()
        .map(|(order, app)| {
            json!({
                "id": app.link_id.as_str(),
                "label": app.label,
                "linkUrl": call.url(&format!("/home/{}/{}/{}", app.name, app.id, app.link_id)),
                "logoUrl": call.url("/assets/img/logos/default.png"),
                "appName": app.name,
                "appInstanceId": app.id.as_str(),
                "appAssignmentId": user.id.with_prefix("0ua").as_str(),
                "credentialsSetup": false,
                "hidden": false,
                "sortOrder": order,
            })
        })
        .collect();
    Ok(Reply::json(&tiles))
}
