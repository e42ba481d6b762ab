//! Keys of custom authorization servers. The one that signs is named by the server itself; the others
//! are kept below it with their status.

use oktant_base::Entropy;
use serde_json::{Value, json};

use super::{SERVERS, new_kid};
use crate::http::{ApiError, Call, Outcome, Reply};
use crate::resources::{Collection, Document};
use crate::store::{Stamp, Store};

/// Seconds between rotations.
const ROTATION: i64 = 90 * 86_400;

/// The id of the key that signs.
pub(super) fn active(server: &Document) -> String {
    let kid = server.get("credentials").and_then(|own| own.pointer("/signing/kid")).and_then(Value::as_str);
    kid.unwrap_or_default().to_owned()
}

fn others(path: &str) -> String {
    format!("{path}/credentials/keys")
}

/// Ids of all keys with their status: the one that signs, the next one, those that signed before.
fn all(store: &Store, id: &str) -> Result<Vec<(String, String)>, ApiError> {
    let server = store.resources.item(SERVERS, id).ok_or_else(|| ApiError::not_found(id, "AuthorizationServer"))?;
    let kept = store.resources.collection(&others(&format!("{SERVERS}/{id}")));
    let kept = kept.into_iter().flat_map(Collection::iter);
    let status = |key: &Document| key.get("status").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut rest: Vec<_> = kept.map(|(kid, key)| (kid.to_owned(), status(key))).collect();
    rest.sort_by_key(|(_, status)| status != "NEXT");
    Ok(std::iter::once((active(server), "ACTIVE".to_owned())).chain(rest).collect())
}

/// Ids of the keys that the server publishes.
pub(super) fn published(store: &Store, id: &str) -> Vec<String> {
    all(store, id).unwrap_or_default().into_iter().map(|(kid, _)| kid).collect()
}

fn put(store: &mut Store, path: &str, kid: &str, status: &str) {
    let mut document = Document::new();
    document.insert("kid".to_owned(), kid.into());
    document.insert("status".to_owned(), status.into());
    store.resources.collection_mut(&others(path)).put(kid, document);
}

/// Makes the key that will sign after the next rotation.
pub(super) fn add_next(store: &mut Store, path: &str, entropy: &dyn Entropy) {
    put(store, path, &new_kid(entropy), "NEXT");
}

fn shown(call: &Call<'_>, id: &str, kid: &str, status: &str) -> Value {
    let public = serde_json::to_value(call.org.oauth.custom(id).public_key(kid)).unwrap_or_default();
    let own = call.url(&format!("{SERVERS}/{id}/credentials/keys/{kid}"));
    json!({
        "kty": "RSA", "status": status, "alg": "RS256", "kid": kid, "use": "sig",
        "_links": { "self": { "href": own, "hints": { "allow": ["GET"] } } },
        "e": public["e"], "n": public["n"],
    })
}

fn shown_all(keys: &[(String, String)], call: &Call<'_>, id: &str) -> Reply {
    let shown: Vec<_> = keys.iter().map(|(kid, status)| shown(call, id, kid, status)).collect();
    Reply::json(&shown)
}

/// `listAuthorizationServerKeys`.
pub(super) fn list(store: &Store, call: &Call<'_>) -> Outcome {
    let id = call.param("authServerId");
    Ok(shown_all(&all(store, id)?, call, id))
}

/// `getAuthorizationServerKey`.
pub(super) fn get(store: &Store, call: &Call<'_>) -> Outcome {
    let (id, kid) = (call.param("authServerId"), call.param("keyId"));
    let keys = all(store, id)?;
    let found = keys.iter().find(|(known, _)| known == kid);
    let (kid, status) = found.ok_or_else(|| ApiError::not_found(kid, "AuthorizationServer"))?;
    Ok(Reply::json(&shown(call, id, kid, status)))
}

/// `rotateAuthorizationServerKeys`: the next key signs from now on, the old one only verifies.
///
/// # Errors
///
/// 400 `E0000001` if the body asks for keys of another use.
pub(super) fn rotate(store: &mut Store, call: &Call<'_>) -> Outcome {
    let id = call.param("authServerId");
    if call.optional_object()?.get("use").is_some_and(|given| given != "sig") {
        return Err(ApiError::invalid_field("use", "The field has an invalid value"));
    }
    let keys = all(store, id)?;
    let path = format!("{SERVERS}/{id}");
    let entropy = call.org.entropy.as_ref();
    let next = keys.iter().find(|(_, status)| status == "NEXT").map(|(kid, _)| kid.clone());
    let next = next.unwrap_or_else(|| new_kid(entropy));
    store.resources.collection_mut(&others(&path)).remove(&next);
    if let Some((old, _)) = keys.first() {
        put(store, &path, old, "EXPIRED");
    }
    add_next(store, &path, entropy);
    let now = call.stamp();
    if let Some(server) = store.resources.collection_mut(SERVERS).get_mut(id)
        && let Some(Value::Object(signing)) = server.get_mut("credentials").and_then(|own| own.get_mut("signing"))
    {
        let next_rotation = Stamp::from_seconds(now.seconds() + ROTATION);
        signing.insert("kid".to_owned(), next.into());
        signing.insert("lastRotated".to_owned(), now.text().into());
        signing.insert("nextRotation".to_owned(), next_rotation.text().into());
    }
    let keys = all(store, id)?;
    Ok(shown_all(&keys, call, id))
}
