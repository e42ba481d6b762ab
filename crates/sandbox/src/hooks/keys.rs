//! Keys of the org for inline hooks. Their public half is shown when one is made or renamed.

use serde_json::{Value, json};

use crate::certificate::Certificate;
use crate::http::{ApiError, Call, Outcome, Reply, errors};
use crate::resources;
use crate::store::Store;

const KEYS: &str = "/api/v1/hook-keys";

/// Member of a kept key that holds the public half; the recipe hides it.
const PUBLIC: &str = "publicKey";

/// `createHookKey`.
pub(super) fn create(store: &mut Store, call: &Call<'_>) -> Outcome {
    let (reply, path) = resources::write(store, call)?;
    let host = call.base.rsplit('/').next().unwrap_or_default();
    let made = Certificate::generate(host, call.now, 1).ok_or(errors::E0000009)?;
    let id = path.rsplit('/').next().unwrap_or_default();
    let Some(key) = store.resources.collection_mut(KEYS).get_mut(id) else { return Ok(reply) };
    let full = made.jwk(key.get("keyId").and_then(Value::as_str).unwrap_or_default());
    let public = json!({
        "kty": "RSA", "alg": "RSA", "kid": full["kid"], "use": null, "e": full["e"], "n": full["n"],
    });
    key.insert(PUBLIC.to_owned(), public.clone());
    Ok(reply.edited(|key| key["_embedded"] = public))
}

/// `replaceHookKey`.
pub(super) fn replace(store: &mut Store, call: &Call<'_>) -> Outcome {
    let (reply, path) = resources::write(store, call)?;
    let id = path.rsplit('/').next().unwrap_or_default();
    let public = store.resources.item(KEYS, id).and_then(|key| key.get(PUBLIC)).cloned().unwrap_or_default();
    Ok(reply.edited(|key| key["_embedded"] = public))
}

/// `getPublicKey`, by the id that a hook's call names.
pub(super) fn public(store: &Store, call: &Call<'_>) -> Outcome {
    let id = call.param("keyId");
    let kept = store.resources.collection(KEYS).into_iter().flat_map(resources::Collection::iter);
    let mut named = kept.filter(|(_, key)| key.get("keyId").is_some_and(|own| own == id));
    let found = named.find_map(|(_, key)| key.get(PUBLIC));
    found.map(Reply::json).ok_or_else(|| ApiError::not_found(id, "HookKey"))
}
