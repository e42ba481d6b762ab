//! Users who are linked to an account at an identity provider.

use serde_json::{Value, json};

use super::IDPS;
use crate::http::{ApiError, Call, Outcome, Reply};
use crate::resources::{self, Document};
use crate::store::{Store, User};
use crate::users;

/// Path of the links of the call's provider.
fn collection(store: &Store, call: &Call<'_>) -> Result<String, ApiError> {
    let id = call.param("idpId");
    store.resources.item(IDPS, id).ok_or_else(|| ApiError::not_found(id, "IdpTrust"))?;
    Ok(format!("{IDPS}/{id}/users"))
}

/// The user that the call names.
fn user<'a>(store: &'a Store, call: &Call<'_>) -> Result<&'a User, ApiError> {
    let id = call.param("userId");
    let found = users::named(store, id).and_then(|number| store.users.get(number));
    found.ok_or_else(|| ApiError::not_found(id, "User"))
}

/// The link of the call, with the path of its collection and its key.
fn linked<'a>(store: &'a Store, call: &Call<'_>) -> Result<(String, String, &'a Document), ApiError> {
    let path = collection(store, call)?;
    let key = user(store, call)?.id.to_string();
    let link = store.resources.item(&path, &key).ok_or_else(|| ApiError::not_found(&key, "User"))?;
    Ok((path, key, link))
}

/// `linkUserToIdentityProvider`.
///
/// # Errors
///
/// 400 `E0000001` without the id of the account.
pub(super) fn link(store: &mut Store, call: &Call<'_>) -> Outcome {
    let path = collection(store, call)?;
    let body = call.object()?;
    let external = body.get("externalId").and_then(Value::as_str).filter(|id| !id.is_empty());
    let external = external.ok_or_else(|| ApiError::invalid_field("externalId", "The field cannot be left blank"))?;
    let user = user(store, call)?;
    let (key, now) = (user.id.to_string(), call.stamp().text());
    let profile: Document = ["firstName", "lastName", "email"]
        .iter()
        .map(|name| ((*name).to_owned(), user.profile.text(name).into()))
        .chain([("subjectNameId".to_owned(), user.login().into())])
        .collect();
    let document = json!({ "id": key, "externalId": external, "created": now, "lastUpdated": now, "profile": profile });
    if let Value::Object(document) = &document {
        store.resources.collection_mut(&path).put(&key, document.clone());
    }
    Ok(Reply::json(&shown(call, &path, &key, document)))
}

fn shown(call: &Call<'_>, path: &str, key: &str, mut document: Value) -> Value {
    let link = |path: &str, allow: &[&str]| json!({ "href": call.url(path), "hints": { "allow": allow } });
    document["_links"] = json!({
        "self": link(&format!("{path}/{key}"), &["GET", "DELETE"]),
        "idp": link(path.strip_suffix("/users").unwrap_or(path), &["GET"]),
        "user": link(&format!("/api/v1/users/{key}"), &["GET"]),
    });
    document
}

/// `listIdentityProviderApplicationUsers`.
pub(super) fn list(store: &Store, call: &Call<'_>) -> Outcome {
    let path = collection(store, call)?;
    let kept = store.resources.collection(&path).into_iter().flat_map(resources::Collection::iter);
    let all: Vec<_> = kept.map(|(key, link)| shown(call, &path, key, Value::Object(link.clone()))).collect();
    Ok(Reply::json(&all))
}

/// `getIdentityProviderApplicationUser`.
pub(super) fn get(store: &Store, call: &Call<'_>) -> Outcome {
    let (path, key, link) = linked(store, call)?;
    Ok(Reply::json(&shown(call, &path, &key, Value::Object(link.clone()))))
}

/// `unlinkUserFromIdentityProvider`.
pub(super) fn unlink(store: &mut Store, call: &Call<'_>) -> Outcome {
    let (path, key, _) = linked(store, call)?;
    store.resources.remove_item(&path, &key);
    Ok(Reply::no_content())
}

/// `listSocialAuthTokens`: the org holds none, since nobody signs in at a provider here.
pub(super) fn tokens(store: &Store, call: &Call<'_>) -> Outcome {
    linked(store, call)?;
    Ok(Reply::json(&json!([])))
}

/// `listUserIdentityProviders`.
pub(super) fn providers(store: &Store, call: &Call<'_>) -> Outcome {
    let user = users::shared(store, call)?.id;
    let all = store.resources.collection(IDPS).into_iter().flat_map(resources::Collection::iter);
    let is_linked = |id: &str| store.resources.item(&format!("{IDPS}/{id}/users"), user.as_str()).is_some();
    let own = all.map(|(id, _)| id).filter(|id| is_linked(id));
    let shown: Value = own.filter_map(|id| resources::item(store, call, IDPS, IDPS, id)).collect();
    Ok(super::linked(Reply::json(&shown), call))
}
