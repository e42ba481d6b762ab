//! Documents as the org shows them.

use oktant_catalog::TypeRef;
use serde_json::{Map, Value, json};

use super::collection::Document;
use super::fill::Moment;
use super::plan;
use super::recipe::{Dialect, Recipe};
use super::{schema, template};
use crate::http::Call;
use crate::store::Store;

/// A document on its way out.
pub(super) struct Shown<'a> {
    pub(super) store: &'a Store,
    pub(super) call: &'a Call<'a>,
    pub(super) recipe: &'a Recipe,
    /// Shape of its own path.
    pub(super) shape: String,
    /// Its own path.
    pub(super) path: String,
    /// Type of the answer.
    pub(super) of: TypeRef,
}

impl Shown<'_> {
    /// The document as an answer of its own.
    pub(super) fn whole(&self, document: &Document) -> Value {
        let mut shown = Value::Object(document.clone());
        schema::remove_write_only(self.of, &mut shown);
        let Value::Object(members) = &mut shown else { return shown };
        // The name of an item in its path is no member of every answer.
        let known = schema::members(self.of, Some(document));
        if !known.is_empty() && !known.iter().any(|member| member.name == self.recipe.key) {
            members.shift_remove(&self.recipe.key);
        }
        self.recipe.hidden.iter().for_each(|path| template::remove_at(members, path));
        let links = self.links(document);
        if !links.is_empty() {
            members.insert("_links".to_owned(), Value::Object(links));
        }
        shown
    }

    /// The document as an element of a list.
    pub(super) fn listed(&self, document: &Document) -> Value {
        let mut shown = self.whole(document);
        if let Value::Object(members) = &mut shown {
            self.recipe.list_hides.iter().for_each(|path| template::remove_at(members, path));
        }
        shown
    }

    fn links(&self, document: &Document) -> Map<String, Value> {
        let status = document.get("status").and_then(Value::as_str).unwrap_or_default();
        let moment = Moment::of(self.call, self.store);
        let links = if self.recipe.links.0.is_object() { self.recipe.links.members() } else { self.described() };
        let mut shown = Map::new();
        for (name, link) in links.iter().filter(|(name, _)| applies(name, status)) {
            let link = template::expand(link, &mut |name| moment.value(self.store, &self.path, document, name));
            let link = match &link {
                Value::String(text) => self.link(name, text, document),
                // Of several, the first whose condition is met.
                Value::Array(texts) if texts.iter().all(Value::is_string) => {
                    texts.iter().filter_map(Value::as_str).find_map(|text| self.link(name, text, document))
                }
                _ => Some(link),
            };
            shown.extend(link.map(|link| (name.clone(), link)));
        }
        shown
    }

    /// The links that the description knows, as far as it has paths for them.
    fn described(&self) -> Map<String, Value> {
        let members = schema::members(self.of, None);
        let Some(links) = members.iter().find(|member| member.name == "_links") else { return Map::new() };
        let known = schema::members(links.schema, None);
        let own = known.iter().filter_map(|link| {
            let path = match link.name {
                "self" => String::new(),
                "activate" | "deactivate" => format!("/lifecycle/{}", link.name),
                name => format!("/{name}"),
            };
            let methods = plan::methods(&format!("{}{path}", self.shape)).join(" ");
            (!methods.is_empty()).then(|| (link.name.to_owned(), format!("{methods} .{path}").into()))
        });
        own.collect()
    }

    /// One link out of `[condition?] [METHODS] path`. A path that starts with a dot goes on from the
    /// document's own, one that starts with a slash from the org's address.
    fn link(&self, name: &str, text: &str, document: &Document) -> Option<Value> {
        let text = match text.split_once("? ") {
            Some((condition, _)) if !is_met(condition, document) => return None,
            Some((_, rest)) => rest,
            None => text,
        };
        let mut words: Vec<_> = text.split(' ').collect();
        let path = words.pop().unwrap_or_default();
        let href = match path.strip_prefix('.') {
            Some(below) => self.call.url(&format!("{}{below}", self.path)),
            None if path.starts_with('/') => self.call.url(path),
            None => path.to_owned(),
        };
        let method = words.first().copied().unwrap_or("GET");
        Some(match self.recipe.dialect {
            // Some links of every dialect are bare.
            Dialect::Hints if words.is_empty() => json!({ "href": href }),
            Dialect::Hints => json!({ "href": href, "hints": { "allow": words } }),
            Dialect::Bare => json!({ "href": href }),
            Dialect::Method => json!({ "href": href, "method": method }),
            Dialect::Rel => json!({ "rel": name, "href": href, "method": method }),
        })
    }
}

/// Whether a link of a lifecycle fits the state.
fn applies(name: &str, status: &str) -> bool {
    match name {
        "activate" | "enable" => matches!(status, "INACTIVE" | "DISABLED" | "CREATED"),
        "deactivate" | "disable" => matches!(status, "ACTIVE" | "ENABLED"),
        _ => true,
    }
}

/// Whether a link is shown: the condition is a status, `member=text`, or a member that is true or, after `!`, is not.
fn is_met(condition: &str, document: &Document) -> bool {
    if let Some((name, wanted)) = condition.split_once('=') {
        let (name, negated) = name.strip_prefix('!').map_or((name, false), |name| (name, true));
        return document.get(name).is_some_and(|value| value == wanted) != negated;
    }
    let holds = |name: &str| document.get(name).is_some_and(|value| *value == Value::Bool(true));
    match condition.strip_prefix('!') {
        Some(name) => !holds(name),
        None => holds(condition) || document.get("status").is_some_and(|status| status == condition),
    }
}
