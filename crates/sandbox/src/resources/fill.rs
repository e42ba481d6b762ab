//! What the org adds to what a caller sends.

use oktant_catalog::{Property, TypeRef};
use serde_json::Value;

use super::collection::{Document, complete, merge};
use super::recipe::{Json, Recipe, Times, recipe, recipes};
use super::{place, schema, template};
use crate::http::Call;
use crate::org;
use crate::store::{Stamp, Store};

/// Members that hold the time of creation, in the spellings of the description.
const CREATED: [&str; 3] = ["created", "createdDate", "createdAt"];

/// Members that hold the time of the last change.
const UPDATED: [&str; 5] = ["lastUpdated", "lastUpdate", "lastUpdatedDate", "lastUpdatedAt", "updated"];

/// Members that hold the id of who made or changed it.
const ACTORS: [&str; 2] = ["createdBy", "lastUpdatedBy"];

/// The moment in which documents are made.
pub(super) struct Moment<'a> {
    pub(super) base: &'a str,
    pub(super) now: Stamp,
    /// Who acts.
    pub(super) user: String,
    pub(super) entropy: &'a dyn oktant_base::Entropy,
}

impl<'a> Moment<'a> {
    pub(super) fn of(call: &'a Call<'_>, store: &Store) -> Self {
        let user = call.principal.user().unwrap_or(store.admin).to_string();
        Self { base: call.base, now: call.stamp(), user, entropy: call.org.entropy.as_ref() }
    }

    /// The value of a `${name}`.
    pub(super) fn value(&self, store: &Store, path: &str, document: &Document, name: &str) -> Option<Value> {
        let text = match name {
            "base" => self.base.to_owned(),
            "host" => self.base.split("://").nth(1).unwrap_or_default().to_owned(),
            "org" => store.org_id.to_string(),
            "user" => self.user.clone(),
            "now" => self.now.text(),
            "path" => path.to_owned(),
            "key" => path.rsplit('/').next().unwrap_or_default().to_owned(),
            "parent" => path.rsplit('/').nth(2).unwrap_or_default().to_owned(),
            "up" => path.rsplit_once('/').map_or_else(String::new, |(up, _)| up.to_owned()),
            "up2" => path.rsplitn(3, '/').nth(2).unwrap_or_default().to_owned(),
            "everyone" => {
                let everyone = store.groups.everyone().and_then(|number| store.groups.get(number));
                everyone.map_or_else(String::new, |group| group.id.to_string())
            }
            "default-brand" => return default_brand(store),
            "uuid" => self.uuid(),
            "hex" => self.hex(),
            "token" => org::token(self.entropy, 40),
            "thumbprint" => org::token(self.entropy, 43),
            "in-90-days" => Stamp::from_seconds(self.now.seconds() + 90 * 86_400).text(),
            _ => return template::at_path(document, name).cloned(),
        };
        Some(text.into())
    }

    /// A random UUID.
    pub(super) fn uuid(&self) -> String {
        org::uuid(self.entropy)
    }

    fn hex(&self) -> String {
        let mut bytes = [0; 16];
        self.entropy.fill(&mut bytes);
        org::hex(&bytes)
    }
}

/// The id of the brand that everything belongs to unless it is told otherwise.
fn default_brand(store: &Store) -> Option<Value> {
    let brands = store.resources.collection("/api/v1/brands")?;
    let found = brands.iter().find(|(_, brand)| brand.get("isDefault") == Some(&Value::Bool(true)));
    found.map(|(id, _)| id.into())
}

/// A new id of a resource.
pub(super) fn new_id(store: &mut Store, recipe: &Recipe, document: &Document, moment: &Moment<'_>) -> String {
    let kind = document.get("type").and_then(Value::as_str).unwrap_or_default();
    match recipe.prefix_of_type.get(kind).unwrap_or(&recipe.prefix).as_str() {
        "uuid" => moment.uuid(),
        "thumbprint" => org::token(moment.entropy, 43),
        // Assumed where nobody has seen one: most of the org's own settings have ids of this kind.
        "" => store.ids.next("0oa").to_string(),
        prefix => store.ids.next(prefix).to_string(),
    }
}

/// Completes a new document: identity, what the recipe says, defaults of the description, times.
pub(super) fn complete_new(
    store: &Store,
    moment: &Moment<'_>,
    recipe: &Recipe,
    of: TypeRef,
    path: &str,
    document: &mut Document,
) {
    let expanded = |json: &Json, document: &Document| {
        template::expand_members(&json.members(), &mut |name| moment.value(store, path, document, name))
    };
    let kind = document.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(defaults) = recipe.defaults_of_type.get(&kind) {
        let defaults = expanded(defaults, document);
        complete(document, &defaults);
    }
    let defaults = expanded(&recipe.defaults, document);
    complete(document, &defaults);
    let set = expanded(&recipe.set, document);
    merge(document, &set);
    // The description gives times that callers cannot set a default, which is the word "Assigned".
    keep_books(of, recipe, moment, document, |name| name != "status");
    schema::fill_defaults(of, document);
    keep_books(of, recipe, moment, document, |name| name == "status");
}

/// Enters what the org itself gives the members that have this kind of name.
fn keep_books(
    of: TypeRef,
    recipe: &Recipe,
    moment: &Moment<'_>,
    document: &mut Document,
    is_wanted: impl Fn(&str) -> bool,
) {
    for member in schema::members(of, Some(document)).into_iter().filter(|member| is_wanted(member.name)) {
        if !document.contains_key(member.name)
            && let Some(value) = bookkeeping(member, recipe, moment)
        {
            document.insert(member.name.to_owned(), value);
        }
    }
}

/// The value that the org itself gives a member of a new document.
fn bookkeeping(member: &Property, recipe: &Recipe, moment: &Moment<'_>) -> Option<Value> {
    let name = member.name;
    if CREATED.contains(&name) || UPDATED.contains(&name) {
        return Some(time(recipe, moment).into());
    }
    if ACTORS.contains(&name) && matches!(member.schema, TypeRef::String(_)) {
        return Some(moment.user.clone().into());
    }
    let is_active = name == "status" && schema::allowed(member).contains(&"ACTIVE");
    is_active.then(|| "ACTIVE".into())
}

/// Marks a document as changed now.
pub(super) fn touch(recipe: &Recipe, moment: &Moment<'_>, document: &mut Document) {
    for name in UPDATED {
        if let Some(value) = document.get_mut(name) {
            *value = time(recipe, moment).into();
        }
    }
    if let Some(value) = document.get_mut("lastUpdatedBy").filter(|value| value.is_string()) {
        *value = moment.user.clone().into();
    }
}

fn time(recipe: &Recipe, moment: &Moment<'_>) -> String {
    let text = moment.now.text();
    match recipe.times {
        Times::Millis => text,
        Times::Seconds => text.replace(".000Z", "Z"),
        Times::Spaced => text.replace('T', " ").replace(".000Z", ".0"),
    }
}

/// Adds what exists from the start below a path of a shape: at `/api/v1/brands/bnd…` its themes.
pub(super) fn populate(store: &mut Store, moment: &Moment<'_>, path: &str, shape: &str) {
    let mut below: Vec<_> =
        recipes().filter(|(known, recipe)| is_below(known, shape) && !recipe.initial.0.is_null()).collect();
    // Ids count up, and must do so in the same order in every run.
    below.sort_unstable_by_key(|(known, _)| *known);
    for (known, recipe) in below {
        let own = format!("{path}{}", &known[shape.len()..]);
        match &recipe.initial.0 {
            Value::Array(items) => items.iter().filter_map(Value::as_object).for_each(|item| {
                add_initial(store, moment, recipe, known, &own, item);
            }),
            Value::Object(document) => {
                let document =
                    template::expand_members(document, &mut |name| moment.value(store, &own, document, name));
                store.resources.set_singleton(&own, document);
            }
            _ => {}
        }
    }
}

/// Whether a shape is reached from another without a parameter.
fn is_below(known: &str, shape: &str) -> bool {
    known.strip_prefix(shape).is_some_and(|rest| rest.starts_with('/') && !rest.contains("{}"))
}

fn add_initial(store: &mut Store, moment: &Moment<'_>, recipe: &Recipe, shape: &str, path: &str, item: &Document) {
    let given = if recipe.key.is_empty() { "id" } else { &recipe.key };
    let key = match template::at_path(item, given).and_then(Value::as_str) {
        Some(given) => given.to_owned(),
        None => new_id(store, recipe, item, moment),
    };
    let own = format!("{path}/{key}");
    let mut document = Document::new();
    if recipe.key.is_empty() {
        document.insert("id".to_owned(), key.clone().into());
    }
    document.extend(template::expand_members(item, &mut |name| moment.value(store, &own, item, name)));
    let of = place::item_schema(shape);
    if let Some(of) = of {
        complete_new(store, moment, recipe, of, &own, &mut document);
    }
    let children = take_children(&mut document);
    store.resources.collection_mut(path).put(&key, document);
    let shape = format!("{shape}/{{}}");
    add_children(store, moment, &own, &shape, &children);
    populate(store, moment, &own, &shape);
}

/// Takes the collections below a document out of it.
pub(super) fn take_children(document: &mut Document) -> Document {
    let (children, own) = std::mem::take(document).into_iter().partition(|(name, _)| name.starts_with('/'));
    *document = own;
    children
}

/// Puts collections below a document in their place.
pub(super) fn add_children(store: &mut Store, moment: &Moment<'_>, path: &str, shape: &str, children: &Document) {
    for (name, items) in children {
        let shape = format!("{shape}{name}");
        let below = recipe(&shape);
        for item in items.as_array().into_iter().flatten().filter_map(Value::as_object) {
            add_initial(store, moment, below, &shape, &format!("{path}{name}"), item);
        }
    }
}
