//! Where a call's path leads: what must exist on the way, and the names that things are kept by.

use oktant_catalog::{Method, Operation, TypeRef};
use serde_json::Value;

use super::collection::{Collection, Document};
use super::plan::{self, Plan, Target};
use super::recipe::{Recipe, recipe};
use super::template::at_path;
use crate::http::{ApiError, Call, is_typed};
use crate::store::{Id, Store};
use crate::users;

/// The target of a plan in the path of a call.
#[derive(Debug)]
pub(super) struct Place {
    /// Path of the collection or the singleton, with the ids that things are kept by.
    pub(super) path: String,
    /// Key of the item as it is kept, or as it was asked for if there is none.
    pub(super) key: String,
    pub(super) recipe: &'static Recipe,
}

impl Place {
    /// Path of the item, or of the collection or singleton.
    pub(super) fn full(&self) -> String {
        if self.key.is_empty() { self.path.clone() } else { format!("{}/{}", self.path, self.key) }
    }

    /// The id of the nearest thing above a singleton, or its own name.
    pub(super) fn owner(&self) -> &str {
        let is_id = |segment: &&str| segment.bytes().any(|byte| byte.is_ascii_digit()) && !segment.starts_with('v');
        self.path.rsplit('/').find(is_id).unwrap_or_else(|| self.path.rsplit('/').next().unwrap_or_default())
    }

    /// The id of what it belongs to: `bnd…` of `/api/v1/brands/bnd…/domains`.
    pub(super) fn parent_id(&self) -> &str {
        self.path.rsplit('/').nth(1).unwrap_or_default()
    }
}

/// Follows a call's path.
///
/// # Errors
///
/// 404 `E0000007` for the first thing on the way that does not exist; the target itself need not exist.
pub(super) fn find(store: &Store, call: &Call<'_>, plan: &Plan) -> Result<Place, ApiError> {
    let mut place = Place { path: String::new(), key: String::new(), recipe: recipe(&plan.shape) };
    let (mut path, mut shape) = (String::new(), String::new());
    for (index, segment) in call.operation.path.split('/').skip(1).enumerate() {
        let is_end = index + 1 == plan.depth;
        let unnamed = if segment.starts_with('{') { "{}" } else { segment };
        let segment = match segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            None => segment.to_owned(),
            Some(name) if is_end && plan.target == Target::Item => {
                place.path.clone_from(&path);
                let given = call.param(name);
                let typed = typed(store, &format!("{shape}/{{}}"), given);
                place.key = typed.unwrap_or_else(|| key_in(store, &path, place.recipe, given));
                place.key.clone()
            }
            Some(name) => parent(store, &path, &shape, call.param(name))?,
        };
        path = format!("{path}/{segment}");
        shape = format!("{shape}/{unnamed}");
        if is_end && plan.target != Target::Item {
            place.path.clone_from(&path);
        }
    }
    Ok(place)
}

/// The id by which something on the way is kept.
fn parent(store: &Store, collection: &str, shape: &str, given: &str) -> Result<String, ApiError> {
    let item = format!("{shape}/{{}}");
    if TYPED.contains(&item.as_str()) {
        return typed(store, &item, given).ok_or_else(|| ApiError::not_found(given, kind(shape)));
    }
    let recipe = recipe(shape);
    let key = key_in(store, collection, recipe, given);
    let exists = store.resources.item(collection, &key).is_some() || initial(recipe).get(&key).is_some();
    if exists || recipe.any_id || plan::is_keyed_singleton(&item) || !is_kept_here(&item) {
        return Ok(key);
    }
    Err(ApiError::not_found(given, kind(shape)))
}

/// Whether items of this shape are documents of the generic store: it serves them, or an area does with
/// the help of a recipe.
fn is_kept_here(item: &str) -> bool {
    let has_recipe = item.strip_suffix("/{}").is_some_and(|collection| !recipe(collection).path.is_empty());
    let operation = plan::operation_at(item, Method::Get);
    has_recipe || operation.is_some_and(|operation| !is_typed(operation.id))
}

/// What typed parts of the store hold, and other things hang on.
const TYPED: [&str; 3] = ["/api/v1/users/{}", "/api/v1/groups/{}", "/api/v1/apps/{}"];

/// The id of something in a typed part of the store.
fn typed(store: &Store, item: &str, given: &str) -> Option<String> {
    let id = Id::parse(given);
    let found = match item {
        "/api/v1/users/{}" => users::named(store, given).and_then(|number| store.users.get(number)).map(|user| user.id),
        "/api/v1/groups/{}" => id.filter(|id| store.groups.number(*id).is_some()),
        "/api/v1/apps/{}" => id.filter(|id| store.apps.contains_key(id)),
        _ => None,
    };
    found.map(|id| id.to_string())
}

/// The key of the item that a caller names by its key or by another member; the name itself if there is none.
pub(super) fn key_in(store: &Store, collection: &str, recipe: &Recipe, given: &str) -> String {
    let Some(items) = store.resources.collection(collection) else { return given.to_owned() };
    if items.get(given).is_some() {
        return given.to_owned();
    }
    let folded = items.iter().find(|(key, _)| !recipe.key.is_empty() && key.eq_ignore_ascii_case(given));
    if let Some((key, _)) = folded {
        return key.to_owned();
    }
    let is_named =
        |document: &Document| recipe.names.iter().any(|name| at_path(document, name) == Some(&Value::from(given)));
    let found = items.iter().find(|(_, document)| is_named(document));
    found.map_or(given, |(key, _)| key).to_owned()
}

/// What exists in a collection that nothing was put into yet. Its items are named by a member, not by an id.
pub(super) fn initial(recipe: &Recipe) -> Collection {
    let mut collection = Collection::default();
    if !recipe.key.is_empty() {
        for document in recipe.initial.elements().iter().filter_map(Value::as_object) {
            let key = document.get(&recipe.key).and_then(Value::as_str).unwrap_or_default();
            collection.put(key, document.clone());
        }
    }
    collection
}

/// Whether a typed part of the store holds an item.
pub(super) fn is_typed_item(store: &Store, item: &str, key: &str) -> bool {
    typed(store, item, key).is_some() || (!TYPED.contains(&item) && !is_kept_here(item))
}

/// The type of the items of a collection: what reading one gives.
pub(super) fn item_schema(collection: &str) -> Option<TypeRef> {
    let item = plan::operation_at(&format!("{collection}/{{}}"), Method::Get);
    item.and_then(Operation::success).and_then(|response| response.schema)
}

/// What errors call an item.
pub(super) fn kind(collection: &str) -> &'static str {
    let recipe = recipe(collection);
    if !recipe.kind.is_empty() {
        return &recipe.kind;
    }
    match collection {
        "/api/v1/users" => "User",
        "/api/v1/groups" => "UserGroup",
        "/api/v1/apps" => "AppInstance",
        _ => item_schema(collection).and_then(super::schema::named).map_or("Resource", |schema| schema.name),
    }
}
