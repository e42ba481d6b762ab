//! Signing in with a password, and the sessions that follow.
//!
//! # Source
//!
//! Recorded for sessions and a sign-in that succeeds; documented for one whose password has expired.
//! A sign-in never asks for a second factor.

use serde_json::{Value, json};

use crate::http::{ApiError, Call, Handler, Outcome, Reply, errors};
use crate::oauth::{SignInError, sign_in};
use crate::resources::{Collection, Document};
use crate::store::{Id, Stamp, Status, Store, User};
use crate::users;

/// Operations served here.
pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("authenticate", Handler::Write(authenticate)),
    ("createSession", Handler::Write(create)),
    ("getSession", Handler::Read(get)),
    ("refreshSession", Handler::Write(refresh)),
    ("revokeSession", Handler::Write(revoke)),
];

const SESSIONS: &str = "/api/v1/sessions";

/// Where session tokens are kept; nothing is served there.
const TOKENS: &str = "/api/v1/authn/tokens";

/// Seconds that a session token is good for.
const TOKEN_LIFE: i64 = 5 * 60;

/// Seconds that a session lives unless it is refreshed.
const SESSION_LIFE: i64 = 2 * 60 * 60;

fn later(now: Stamp, seconds: i64) -> String {
    Stamp::from_seconds(now.seconds() + seconds).text()
}

/// Whether a document's `expiresAt` has come. Times of this form sort as text.
fn is_over(document: &Document, now: Stamp) -> bool {
    document.get("expiresAt").and_then(Value::as_str).is_none_or(|end| end <= now.text().as_str())
}

/// `POST /api/v1/authn`.
///
/// # Errors
///
/// 401 `E0000004` for a wrong user name or password.
fn authenticate(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    let given = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = users::named(store, given("username")).ok_or(errors::E0000004)?;
    let login = store.users.get(number).map(|user| user.login().to_owned()).unwrap_or_default();
    let outcome = sign_in(store, call.now, call.org.entropy.as_ref(), &login, given("password"));
    let status = match outcome {
        Ok(_) => "SUCCESS",
        Err(SignInError::PasswordExpired) => "PASSWORD_EXPIRED",
        Err(SignInError::InvalidCredentials | SignInError::LockedOut) => return Err(errors::E0000004.into()),
    };
    let user = store.users.get(number).ok_or(errors::E0000004)?;
    let (id, expires) = (user.id.to_string(), later(call.stamp(), TOKEN_LIFE));
    let mut shown = json!({ "expiresAt": expires, "status": status });
    let cancel = json!({ "href": call.url("/api/v1/authn/cancel"), "hints": { "allow": ["POST"] } });
    let mut links = json!({ "cancel": cancel });
    let embedded = json!({ "user": embedded_user(user) });
    if status == "SUCCESS" {
        let token = format!("20111{}", call.org.token(51));
        shown["sessionToken"] = token.clone().into();
        let kept = json!({ "userId": id, "expiresAt": shown["expiresAt"] });
        put(store, TOKENS, &token, &kept);
    } else {
        let next = call.url("/api/v1/authn/credentials/change_password");
        shown["stateToken"] = format!("00{}", call.org.token(40)).into();
        links["next"] = json!({ "name": "changePassword", "href": next, "hints": { "allow": ["POST"] } });
    }
    shown["_embedded"] = embedded;
    shown["_links"] = links;
    Ok(Reply::json(&shown))
}

fn embedded_user(user: &User) -> Value {
    json!({
        "id": user.id.as_str(),
        "passwordChanged": user.password_changed.map(Stamp::text),
        "profile": {
            "login": user.login(),
            "firstName": user.profile.text("firstName"),
            "lastName": user.profile.text("lastName"),
            "locale": "en_US",
            "timeZone": "America/Los_Angeles",
        },
    })
}

fn put(store: &mut Store, collection: &str, key: &str, document: &Value) {
    if let Value::Object(document) = document {
        store.resources.collection_mut(collection).put(key, document.clone());
    }
}

/// The user whom a session token stands for. It works once.
pub(crate) fn redeem(store: &mut Store, token: &str, now: Stamp) -> Option<Id> {
    let kept = store.resources.remove_item(TOKENS, token).filter(|kept| !is_over(kept, now))?;
    Id::parse(kept.get("userId")?.as_str()?)
}

/// `POST /api/v1/sessions`.
///
/// # Errors
///
/// 401 `E0000004` for a session token that is unknown, used or too old, or whose user is not active.
fn create(store: &mut Store, call: &Call<'_>) -> Outcome {
    let body = call.object()?;
    let token = body.get("sessionToken").and_then(Value::as_str).unwrap_or_default();
    let now = call.stamp();
    let user = redeem(store, token, now).and_then(|id| active(store, id)).ok_or(errors::E0000004)?;
    let id = format!("102{}", call.org.token(22));
    let session = json!({
        "id": id,
        "userId": user.id.as_str(),
        "login": user.login(),
        "createdAt": now.text(),
        "expiresAt": later(now, SESSION_LIFE),
        "status": "ACTIVE",
        "lastPasswordVerification": now.text(),
        "lastFactorVerification": null,
        "amr": ["pwd"],
        "idp": { "id": store.org_id.as_str(), "type": "OKTA" },
        "mfaActive": true,
    });
    put(store, SESSIONS, &id, &session);
    let document = find(store, &id, now)?;
    Ok(Reply::json(&shown(store, call, document, "me")))
}

/// The user of an id, if it may have a session.
fn active(store: &Store, id: Id) -> Option<&User> {
    store.users.by_id(id).filter(|user| user.status == Status::Active)
}

fn find<'a>(store: &'a Store, id: &str, now: Stamp) -> Result<&'a Document, ApiError> {
    let is_alive = |session: &&Document| {
        let user = session.get("userId").and_then(Value::as_str).and_then(Id::parse);
        !is_over(session, now) && user.is_some_and(|id| active(store, id).is_some())
    };
    store.resources.item(SESSIONS, id).filter(is_alive).ok_or_else(|| ApiError::not_found(id, "AppSession"))
}

/// A session with its links, which name it otherwise than its id does.
fn shown(store: &Store, call: &Call<'_>, session: &Document, alias: &str) -> Value {
    let user = session.get("userId").and_then(Value::as_str).and_then(Id::parse);
    let user = user.and_then(|id| store.users.by_id(id));
    let name = user.map(User::display_name).unwrap_or_default();
    let user = if alias == "me" { alias } else { user.map_or("", |user| user.id.as_str()) };
    let own = format!("{SESSIONS}/{alias}");
    let link = |path: &str, allow: &[&str]| json!({ "href": call.url(path), "hints": { "allow": allow } });
    let mut shown = Value::Object(session.clone());
    let mut user = link(&format!("/api/v1/users/{user}"), &["GET"]);
    user["name"] = name.into();
    shown["_links"] = json!({
        "self": link(&own, &["GET", "DELETE"]),
        "refresh": link(&format!("{own}/lifecycle/refresh"), &["POST"]),
        "user": user,
    });
    shown
}

/// `getSession`.
fn get(store: &Store, call: &Call<'_>) -> Outcome {
    let session = find(store, call.param("sessionId"), call.stamp())?;
    Ok(Reply::json(&shown(store, call, session, &format!("102{}", call.org.token(22)))))
}

/// `refreshSession`.
fn refresh(store: &mut Store, call: &Call<'_>) -> Outcome {
    let (id, now) = (call.param("sessionId"), call.stamp());
    find(store, id, now)?;
    if let Some(session) = store.resources.collection_mut(SESSIONS).get_mut(id) {
        session.insert("expiresAt".to_owned(), later(now, SESSION_LIFE).into());
    }
    get(store, call)
}

/// `revokeSession`.
fn revoke(store: &mut Store, call: &Call<'_>) -> Outcome {
    let id = call.param("sessionId");
    find(store, id, call.stamp())?;
    store.resources.remove_item(SESSIONS, id);
    Ok(Reply::no_content())
}

/// Ends every session of a user.
pub(crate) fn end_all(store: &mut Store, user: Id) {
    let kept = store.resources.collection(SESSIONS).into_iter().flat_map(Collection::iter);
    let own = kept.filter(|(_, session)| session.get("userId").is_some_and(|id| id == user.as_str()));
    let own: Vec<_> = own.map(|(id, _)| id.to_owned()).collect();
    for id in own {
        store.resources.remove_item(SESSIONS, &id);
    }
}
