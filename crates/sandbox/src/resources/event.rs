//! What writes put into the System Log.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::collection::Document;
use super::recipe::{Recipe, recipes};
use crate::http::Call;
use crate::logs::{self, Kind, Target};
use crate::store::Store;

/// What was done, as events name it.
const DONE: [&str; 5] = ["create", "update", "activate", "deactivate", "delete"];

struct Words {
    event_type: String,
    message: String,
}

/// The words of every event of the recipes, made once: the log keeps references.
static WORDS: LazyLock<HashMap<(&'static str, &'static str), Words>> = LazyLock::new(|| {
    let of = |recipe: &'static Recipe| {
        recipe.event.iter().flat_map(move |event| {
            DONE.iter().map(move |done| {
                let verb = event.verbs.get(*done).map_or(*done, String::as_str);
                let (first, rest) = done.split_at(1);
                let message = format!("{}{rest} {}", first.to_ascii_uppercase(), event.noun);
                ((recipe.path.as_str(), *done), Words { event_type: format!("{}.{verb}", event.family), message })
            })
        })
    };
    recipes().flat_map(|(_, recipe)| of(recipe)).collect()
});

/// Writes that something was done to a document, if its kind has events.
pub(super) fn record(
    store: &mut Store,
    call: &Call<'_>,
    recipe: &'static Recipe,
    done: &str,
    key: &str,
    document: &Document,
) {
    let Some(event) = &recipe.event else { return };
    let Some(words) =
        DONE.iter().find(|known| **known == done).and_then(|done| WORDS.get(&(recipe.path.as_str(), *done)))
    else {
        return;
    };
    let name = ["name", "label", "displayName", "domain"].iter().find_map(|name| document.get(*name)?.as_str());
    let id = document.get("id").and_then(Value::as_str).unwrap_or(key);
    let target = Target::named(&event.target, id, name.unwrap_or(id));
    let kind = Kind { event_type: &words.event_type, message: &words.message, legacy: None };
    logs::record(store, call, kind, &[target]);
}
