//! Customizations of mail: one of each template is the default.
//!
//! # Source
//!
//! Recorded for the first customization, documented for the refusals.

use serde_json::Value;

use crate::http::{ApiError, Call, Handler, Outcome};
use crate::resources::{self, Collection, Document};
use crate::store::Store;

/// Operations served here.
pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("createEmailCustomization", Handler::Write(create)),
    ("replaceEmailCustomization", Handler::Write(replace)),
    ("deleteEmailCustomization", Handler::Write(delete)),
];

fn is_default(document: &Document) -> bool {
    document.get("isDefault") == Some(&Value::Bool(true))
}

fn wants_default(call: &Call<'_>) -> Result<bool, ApiError> {
    Ok(is_default(&call.object()?))
}

/// `createEmailCustomization`: the first becomes the default whatever was asked.
fn create(store: &mut Store, call: &Call<'_>) -> Outcome {
    let collection = resources::path(store, call)?;
    let is_first = store.resources.collection(&collection).is_none_or(|known| known.iter().next().is_none());
    let becomes = is_first || wants_default(call)?;
    let (_, path) = resources::write(store, call)?;
    settle(store, &path, becomes);
    resources::show(store, call, &path)
}

/// `replaceEmailCustomization`: the default stays one until another takes its place.
fn replace(store: &mut Store, call: &Call<'_>) -> Outcome {
    let path = resources::path(store, call)?;
    let becomes = wants_default(call)?;
    if !becomes && find(store, &path).is_some_and(is_default) {
        let summary = "The isDefault parameter of the default email template customization can't be set to false.";
        return Err(ApiError::known(409, "E0000185", summary));
    }
    resources::write(store, call)?;
    settle(store, &path, becomes);
    resources::show(store, call, &path)
}

/// `deleteEmailCustomization`: the default goes last.
fn delete(store: &mut Store, call: &Call<'_>) -> Outcome {
    let path = resources::path(store, call)?;
    let (collection, _) = split(&path);
    let count = store.resources.collection(collection).map_or(0, |known| known.iter().count());
    if count > 1 && find(store, &path).is_some_and(is_default) {
        let summary = "The default email template customization can't be deleted.";
        return Err(ApiError::known(409, "E0000184", summary));
    }
    Ok(resources::write(store, call)?.0)
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or_default()
}

fn find<'a>(store: &'a Store, path: &str) -> Option<&'a Document> {
    let (collection, key) = split(path);
    store.resources.item(collection, key)
}

/// Makes a customization the default, if it is to be, and all others not.
fn settle(store: &mut Store, path: &str, becomes: bool) {
    let (collection, own) = split(path);
    let known = store.resources.collection_mut(collection);
    let changed: Vec<(String, bool)> = Collection::iter(known)
        .filter(|(key, _)| *key == own || becomes)
        .map(|(key, _)| (key.to_owned(), key == own && becomes))
        .collect();
    for (key, is_default) in changed {
        if let Some(document) = known.get_mut(&key) {
            document.insert("isDefault".to_owned(), is_default.into());
        }
    }
}
