//! What the description cannot know about a resource, as data: `recipes/*.toml`.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::collection::Document;
use super::plan::shape_of;

/// One resource. Every text of a JSON member may hold `${…}`; see [`super::template`].
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
#[expect(clippy::struct_excessive_bools, reason = "each is a trait of the resource, independent of the others")]
pub(crate) struct Recipe {
    /// Path of the collection or of the singleton, as in the description.
    pub(crate) path: String,
    /// Where this is known from: recorded traffic, documentation, or assumed.
    pub(crate) source: String,
    /// What its ids begin with; `uuid` and `thumbprint` are ids of another form.
    pub(crate) prefix: String,
    /// What ids begin with, by the value of the member `type`.
    pub(crate) prefix_of_type: HashMap<String, String>,
    /// What errors call it.
    pub(crate) kind: String,
    /// Member that names an item in paths, if it is not `id`.
    pub(crate) key: String,
    /// Other members that name an item in paths.
    pub(crate) names: Vec<String>,
    /// Members whose values no two items share, beside `key`.
    pub(crate) unique: Vec<String>,
    /// Members that the description requires and the org does not.
    pub(crate) optional: Vec<String>,
    /// Members that the org requires and the description does not.
    pub(crate) required: Vec<String>,
    /// Dotted paths of numbers that the org takes within bounds that the description lacks: least and most.
    pub(crate) ranges: HashMap<String, (f64, f64)>,
    /// What is said about a value that another item has, if not the usual words.
    pub(crate) duplicate: Option<Failure>,
    /// Members that are not in the description of requests, and are kept all the same.
    pub(crate) accept: Vec<String>,
    /// Members that stay as they were made.
    pub(crate) immutable: Vec<String>,
    /// Dotted paths of members that are never shown.
    pub(crate) hidden: Vec<String>,
    /// Members that lists leave out.
    pub(crate) list_hides: Vec<String>,
    /// Members that a new object has unless the caller sends others. Here and in `initial`, a member whose
    /// name starts with `/` holds the items of a collection below the object.
    pub(crate) defaults: Json,
    /// As `defaults`, by the value of the member `type`.
    pub(crate) defaults_of_type: HashMap<String, Json>,
    /// Members that a new object has whatever the caller sends.
    pub(crate) set: Json,
    /// What exists from the start: the singleton, or the items.
    pub(crate) initial: Json,
    /// What an action sets, by its name.
    pub(crate) actions: HashMap<String, Json>,
    /// The links, by name: `METHODS path`, or JSON that is taken as it is.
    pub(crate) links: Json,
    /// Links of the object around a list, beside those of paging: paths by name.
    pub(crate) list_links: Json,
    /// How links are written.
    pub(crate) dialect: Dialect,
    /// How times are written.
    pub(crate) times: Times,
    /// A singleton that does not exist until it is written.
    pub(crate) absent: bool,
    /// Page size where no `limit` is sent, if it is not the description's.
    pub(crate) page: Option<usize>,
    /// Most items.
    pub(crate) most: Option<Most>,
    /// What is not done, and how that is said.
    pub(crate) refusals: Vec<Refusal>,
    /// Statuses that differ from the description's, by operation.
    pub(crate) statuses: HashMap<String, u16>,
    /// Operations that answer without a body whatever the description says.
    pub(crate) bodiless: Vec<String>,
    /// Deleting what is not there is no error.
    pub(crate) forgiving: bool,
    /// The product is not switched on: every operation says so.
    pub(crate) off: bool,
    /// Any id in the path counts as one that exists.
    pub(crate) any_id: bool,
    /// The collection that this one shows a part of, with the member that must have the parent's id.
    pub(crate) view: Option<View>,
    /// What it writes into the System Log.
    pub(crate) event: Option<Event>,
}

/// JSON, which stands as text in a recipe; nothing by default.
#[derive(Debug, Default, Clone)]
pub(crate) struct Json(pub(crate) Value);

/// How links are written. The service has four ways.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Dialect {
    /// `{"href", "hints": {"allow": […]}}`
    #[default]
    Hints,
    /// `{"href"}`
    Bare,
    /// `{"href", "method"}`
    Method,
    /// `{"rel", "href", "method"}`
    Rel,
}

/// How times are written.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Times {
    /// `2026-01-01T00:00:00.000Z`
    #[default]
    Millis,
    /// `2026-01-01T00:00:00Z`
    Seconds,
    /// `2026-01-01 00:00:00.0`
    Spaced,
}

/// Most items of a collection, and the refusal of one more.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Most {
    pub(crate) items: usize,
    pub(crate) error: Failure,
}

/// Something that is not done.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refusal {
    /// Ids of the operations.
    pub(crate) operations: Vec<String>,
    /// Members that the object has in the case refused; always where there are none.
    #[serde(default)]
    pub(crate) when: Json,
    /// Text that the parameter `filter` must hold for the case not to be refused.
    #[serde(default)]
    pub(crate) unless_filter: Option<String>,
    pub(crate) error: Failure,
}

/// An error answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) summary: String,
    #[serde(default)]
    pub(crate) causes: Vec<String>,
}

/// A part of another collection.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct View {
    pub(crate) of: String,
    pub(crate) member: String,
}

/// Events of a resource.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Event {
    /// Type without its last part.
    pub(crate) family: String,
    /// What a message calls it.
    pub(crate) noun: String,
    /// Type of the target.
    pub(crate) target: String,
    /// Last part of the type by what was done, where it is not the verb itself.
    #[serde(default)]
    pub(crate) verbs: HashMap<String, String>,
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        serde_json::from_str(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

impl Json {
    /// Its members; none if it is not an object.
    pub(crate) fn members(&self) -> Document {
        self.0.as_object().cloned().unwrap_or_default()
    }

    /// Its elements; none if it is not an array.
    pub(crate) fn elements(&self) -> &[Value] {
        self.0.as_array().map_or(&[], Vec::as_slice)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    resource: Vec<toml::Table>,
}

/// The files, with their names for messages.
const FILES: &[(&str, &str)] = &[
    ("access.toml", include_str!("../../recipes/access.toml")),
    ("branding.toml", include_str!("../../recipes/branding.toml")),
    ("directory.toml", include_str!("../../recipes/directory.toml")),
    ("integration.toml", include_str!("../../recipes/integration.toml")),
    ("org.toml", include_str!("../../recipes/org.toml")),
    ("security.toml", include_str!("../../recipes/security.toml")),
];

static RECIPES: LazyLock<HashMap<String, Recipe>> = LazyLock::new(|| {
    FILES.iter().flat_map(|(name, text)| read(name, text)).map(|recipe| (shape_of(&recipe.path), recipe)).collect()
});

/// The recipes of one file. One that is `like` another has its entries, too, where it has none of its own.
fn read(name: &str, text: &str) -> Vec<Recipe> {
    // The files are part of the program, and a test reads them all.
    let file: File = toml::from_str(text).unwrap_or_else(|error| unreachable!("{name}: {error}"));
    let model = |path: toml::Value| {
        let found = file.resource.iter().find(|table| table.get("path") == Some(&path));
        found.unwrap_or_else(|| unreachable!("{name}: nothing to be like at {path}"))
    };
    let completed = file.resource.iter().map(|own| {
        let mut table = own.clone();
        for (key, value) in table.remove("like").map(model).into_iter().flatten() {
            table.entry(key).or_insert_with(|| value.clone());
        }
        table
    });
    completed.map(|table| table.try_into().unwrap_or_else(|error| unreachable!("{name}: {error}"))).collect()
}

static NONE: LazyLock<Recipe> = LazyLock::new(Recipe::default);

/// The recipe of a resource, by the shape of its path; one that says nothing if there is none.
pub(crate) fn recipe(shape: &str) -> &'static Recipe {
    RECIPES.get(shape).unwrap_or(&NONE)
}

/// Every recipe with the shape of its path.
pub(crate) fn recipes() -> impl Iterator<Item = (&'static str, &'static Recipe)> {
    RECIPES.iter().map(|(shape, recipe)| (shape.as_str(), recipe))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::plan;

    #[test]
    fn every_recipe_is_of_a_path_of_the_description_and_says_where_it_is_from() {
        for (shape, recipe) in recipes() {
            assert!(plan::is_known(shape), "{} is no path of the description", recipe.path);
            let known = ["recorded", "documented", "assumed"].iter().any(|known| recipe.source.starts_with(known));
            assert!(known, "{}: {:?} is no source", recipe.path, recipe.source);
        }
    }

    #[test]
    fn operations_named_by_recipes_exist() {
        for (_, recipe) in recipes() {
            let refused = recipe.refusals.iter().flat_map(|refusal| &refusal.operations);
            for id in recipe.statuses.keys().chain(&recipe.bodiless).chain(refused) {
                assert!(oktant_catalog::operation(id).is_some(), "{}: {id} is no operation", recipe.path);
            }
        }
    }
}
