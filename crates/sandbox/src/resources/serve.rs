//! Serving an operation out of its plan.

use oktant_catalog::{ListShape, Operation, TypeRef};
use serde_json::{Value, json};

use super::answer::{answer, shown, success, without_body};
use super::body::{self, Extent};
use super::collection::{Document, Page, merge};
use super::fill::{self, Moment};
use super::filter::Wanted;
use super::place::{self, Place};
use super::plan::{Plan, Target, Verb};
use super::recipe::Recipe;
use super::refuse::{refuse, refuse_duplicate, refuse_more};
use super::{event, schema, template};
use crate::http::{ApiError, Call, Outcome, Reply, errors, links};
use crate::store::Store;

/// Items on a page at most, where the description does not say.
const PAGE_MAX: usize = 200;

/// Serves an operation that only looks.
pub(super) fn read(store: &Store, call: &Call<'_>, plan: &Plan) -> Outcome {
    let place = enter(store, call, plan)?;
    if plan.verb == Verb::List {
        return list(store, call, plan, &place);
    }
    let document = current(store, call, plan, &place)?;
    refuse(call, place.recipe, &document)?;
    Ok(links::only_self(answer(store, call, plan, &place, &document), call, None))
}

/// Serves an operation that changes something; also gives the path of what it changed.
pub(super) fn write(store: &mut Store, call: &Call<'_>, plan: &Plan) -> Result<(Reply, String), ApiError> {
    let mut place = enter(store, call, plan)?;
    settle(store, plan, &place);
    let reply = change(store, call, plan, &mut place)?;
    Ok((reply, place.full()))
}

fn change(store: &mut Store, call: &Call<'_>, plan: &Plan, place: &mut Place) -> Outcome {
    match plan.verb {
        Verb::Create => create(store, call, plan, place),
        Verb::Put => put(store, call, plan, place),
        Verb::Replace | Verb::Merge => update(store, call, plan, place),
        Verb::Delete => delete(store, call, plan, place),
        Verb::Clear => Ok(clear(store, call, place)),
        Verb::Act | Verb::List | Verb::Read => act(store, call, plan, place),
    }
}

/// Follows the path of a call to a product that is switched on.
fn enter(store: &Store, call: &Call<'_>, plan: &Plan) -> Result<Place, ApiError> {
    let place = place::find(store, call, plan)?;
    if place.recipe.off { Err(errors::E0000015.into()) } else { Ok(place) }
}

/// Puts the items that a collection begins with in their place, before the first change.
fn settle(store: &mut Store, plan: &Plan, place: &Place) {
    if matches!(plan.target, Target::Item | Target::Collection) && store.resources.collection(&place.path).is_none() {
        *store.resources.collection_mut(&place.path) = place::initial(place.recipe);
    }
}

// Looking.

fn list(store: &Store, call: &Call<'_>, plan: &Plan, place: &Place) -> Outcome {
    refuse(call, place.recipe, &Document::new())?;
    let wanted = Wanted::of(call)?;
    let initial;
    let source = place.recipe.view.as_ref().map_or(place.path.as_str(), |view| view.of.as_str());
    let items = if let Some(kept) = store.resources.collection(source) {
        kept
    } else {
        initial = place::initial(place.recipe);
        &initial
    };
    let belongs = |document: &Document| {
        let view = place.recipe.view.as_ref();
        view.is_none_or(|view| template::at_path(document, &view.member) == Some(&place.parent_id().into()))
    };
    let limit = page_size(call, place.recipe)?;
    let page = items.page(call.query("after"), limit.unwrap_or(usize::MAX - 1), |document| {
        belongs(document) && wanted.holds(document)
    });
    let page = page.ok_or_else(ApiError::bad_cursor)?;
    let reply = Reply::json(&list_body(store, call, plan, place, &page, limit));
    Ok(match limit {
        Some(limit) => links::add(reply, call, limit, page.next),
        None => links::only_self(reply, call, None),
    })
}

/// The page size in force; `None` for lists that never page.
fn page_size(call: &Call<'_>, recipe: &Recipe) -> Result<Option<usize>, ApiError> {
    let described = call.operation.limit.as_ref();
    let default = recipe.page.or_else(|| Some(described?.default? as usize));
    if default.is_none() && described.is_none() {
        return Ok(None);
    }
    let most = described.and_then(|limit| limit.max).map_or(PAGE_MAX, |max| max as usize);
    let default = default.unwrap_or(20);
    call.limit(default, most.max(default)).map(|limit| Some(limit.max(1)))
}

fn list_body(
    store: &Store,
    call: &Call<'_>,
    plan: &Plan,
    place: &Place,
    page: &Page<'_>,
    limit: Option<usize>,
) -> Value {
    let answers = success(call.operation).unwrap_or(TypeRef::Any);
    let (wrapper, of) = wrapping(call.operation, answers);
    let elements = page.items.iter().map(|(key, document)| match schema::resolved(of) {
        TypeRef::String(_) => Value::from(*key),
        _ => shown(store, call, plan, place, key, of).listed(document),
    });
    let elements: Value = elements.collect();
    let Some(wrapper) = wrapper else { return elements };
    let mut body = json!({ wrapper: elements });
    if schema::members(answers, None).iter().any(|member| member.name == "_links") {
        body["_links"] = json!({ "self": { "href": call.url(call.path) } });
        let moment = Moment::of(call, store);
        let own = template::expand_members(&place.recipe.list_links.members(), &mut |name| {
            moment.value(store, &place.path, &Document::new(), name)
        });
        for (name, path) in &own {
            body["_links"][name] = json!({ "href": call.url(path.as_str().unwrap_or_default()) });
        }
        if let Some(cursor) = page.next {
            body["_links"]["next"] = json!({ "href": links::page_url(call, Some(cursor), limit) });
        }
    }
    body
}

/// The member that wraps a list, if one does, and the type of the elements.
fn wrapping(operation: &Operation, answers: TypeRef) -> (Option<&'static str>, TypeRef) {
    let element = |of: TypeRef| match schema::resolved(of) {
        TypeRef::Array(element) => Some(*element),
        _ => None,
    };
    if let Some(element) = element(answers) {
        return (None, element);
    }
    let members = schema::members(answers, None);
    let is_wrapper = |name: &str| match operation.list {
        ListShape::Wrapped { items, .. } => name == items,
        ListShape::None | ListShape::Array => true,
    };
    let found = members.iter().find_map(|member| {
        let element = element(member.schema).filter(|_| is_wrapper(member.name))?;
        Some((Some(member.name), element))
    });
    found.unwrap_or((None, TypeRef::Any))
}

/// The document that a call is about.
fn current(store: &Store, call: &Call<'_>, plan: &Plan, place: &Place) -> Result<Document, ApiError> {
    match plan.target {
        Target::Item => item(store, call, plan, place),
        Target::Singleton => singleton(store, call, plan, place),
        Target::Collection | Target::Nothing => Ok(Document::new()),
    }
}

fn item(store: &Store, call: &Call<'_>, plan: &Plan, place: &Place) -> Result<Document, ApiError> {
    let kept = store.resources.collection(&place.path);
    let kept = kept
        .map_or_else(|| place::initial(place.recipe).get(&place.key).cloned(), |kept| kept.get(&place.key).cloned());
    if let Some(found) = kept {
        return Ok(found);
    }
    let shape = format!("{}/{{}}", plan.shape);
    if place.recipe.any_id || super::plan::is_keyed_singleton(&shape) {
        return Ok(unwritten(store, call, place, place::item_schema(&plan.shape)));
    }
    // What a typed part of the store holds is there, though not as a document.
    if place::is_typed_item(store, &shape, &place.key) {
        return Ok(Document::new());
    }
    Err(ApiError::not_found(&place.key, place::kind(&plan.shape)))
}

fn singleton(store: &Store, call: &Call<'_>, plan: &Plan, place: &Place) -> Result<Document, ApiError> {
    if let Some(found) = store.resources.singleton(&place.path) {
        return Ok(found.clone());
    }
    let reading = super::plan::operation_at(&plan.shape, oktant_catalog::Method::Get);
    let deleting = super::plan::operation_at(&plan.shape, oktant_catalog::Method::Delete);
    let has_initial = place.recipe.initial.0.is_object();
    if place.recipe.absent || (deleting.is_some() && !has_initial) {
        return Err(ApiError::not_found(place.owner(), place::kind(&plan.shape)));
    }
    Ok(unwritten(store, call, place, reading.and_then(success)))
}

/// What something that always exists is like before it is first written.
fn unwritten(store: &Store, call: &Call<'_>, place: &Place, of: Option<TypeRef>) -> Document {
    let moment = Moment::of(call, store);
    let (path, initial) = (place.full(), place.recipe.initial.members());
    if !initial.is_empty() {
        return template::expand_members(&initial, &mut |name| moment.value(store, &path, &initial, name));
    }
    let minimal = of.map(|of| schema::minimal(of, call.now));
    let mut document = minimal.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
    document.shift_remove("_links");
    if let Some(of) = of {
        fill::complete_new(store, &moment, place.recipe, of, &path, &mut document);
    }
    document
}

// Changing.

fn create(store: &mut Store, call: &Call<'_>, plan: &Plan, place: &mut Place) -> Outcome {
    let recipe = place.recipe;
    refuse(call, recipe, &Document::new())?;
    let mut sent = body::read(call, recipe, Extent::Whole)?;
    let items = store.resources.collection_mut(&place.path);
    refuse_duplicate(items, recipe, &sent, None)?;
    refuse_more(items, recipe)?;
    let moment = Moment::of(call, store);
    place.key = match recipe.key.as_str() {
        "" => fill::new_id(store, recipe, &sent, &moment),
        key => template::at_path(&sent, key).and_then(Value::as_str).unwrap_or_default().to_owned(),
    };
    if place.key.is_empty() {
        place.key = fill::new_id(store, recipe, &sent, &moment);
        if !recipe.key.is_empty() {
            sent.insert(recipe.key.clone(), place.key.clone().into());
        }
    }
    let document = new_document(store, call, plan, place, &moment, sent);
    Ok(add(store, call, plan, place, document))
}

/// A document as the org makes it of what was sent.
fn new_document(
    store: &Store,
    call: &Call<'_>,
    plan: &Plan,
    place: &Place,
    moment: &Moment<'_>,
    sent: Document,
) -> Document {
    let own = place::item_schema(&plan.shape);
    // Reading may show less than making.
    let has_id = |of: &TypeRef| schema::members(*of, Some(&sent)).iter().any(|member| member.name == "id");
    let of = own.filter(has_id).or_else(|| success(call.operation)).or(own).unwrap_or(TypeRef::Any);
    let mut document = Document::new();
    if has_id(&of) {
        document.insert("id".to_owned(), place.key.clone().into());
    }
    let own_id = document.get("id").cloned();
    document.extend(sent);
    document.extend(own_id.map(|id| ("id".to_owned(), id)));
    fill::complete_new(store, moment, place.recipe, of, &place.full(), &mut document);
    document
}

/// Adds a new item with what it begins with, writes the event and answers.
fn add(store: &mut Store, call: &Call<'_>, plan: &Plan, place: &Place, mut document: Document) -> Reply {
    let children = fill::take_children(&mut document);
    store.resources.collection_mut(&place.path).put(&place.key, document.clone());
    let moment = Moment::of(call, store);
    let shape = format!("{}/{{}}", plan.shape);
    fill::add_children(store, &moment, &place.full(), &shape, &children);
    fill::populate(store, &moment, &place.full(), &shape);
    event::record(store, call, place.recipe, "create", &place.key, &document);
    answer(store, call, plan, place, &document)
}

/// Makes the item that the path names, or changes it.
fn put(store: &mut Store, call: &Call<'_>, plan: &Plan, place: &Place) -> Outcome {
    if store.resources.item(&place.path, &place.key).is_some() {
        return update(store, call, plan, place);
    }
    refuse(call, place.recipe, &Document::new())?;
    let mut sent = body::read(call, place.recipe, Extent::Whole)?;
    if !place.recipe.key.is_empty() {
        sent.insert(place.recipe.key.clone(), place.key.clone().into());
    }
    let moment = Moment::of(call, store);
    let document = new_document(store, call, plan, place, &moment, sent);
    Ok(add(store, call, plan, place, document))
}

fn update(store: &mut Store, call: &Call<'_>, plan: &Plan, place: &Place) -> Outcome {
    let recipe = place.recipe;
    let replaces = plan.verb == Verb::Replace;
    let known = match current(store, call, plan, place) {
        Ok(known) => known,
        // Writing is how a singleton comes to be.
        Err(_) if plan.target == Target::Singleton => Document::new(),
        Err(error) => return Err(error),
    };
    refuse(call, recipe, &known)?;
    let mut sent = body::read(call, recipe, if replaces { Extent::Whole } else { Extent::Part })?;
    sent.retain(|name, _| !recipe.immutable.contains(name) || !known.contains_key(name));
    if plan.target == Target::Item {
        refuse_duplicate(store.resources.collection_mut(&place.path), recipe, &sent, Some(&place.key))?;
    }
    let moment = Moment::of(call, store);
    let mut document = if replaces { kept(call, recipe, &known) } else { known };
    merge(&mut document, &sent);
    if replaces {
        let of = place::item_schema(&plan.shape).filter(|_| plan.target == Target::Item);
        let of = of.or_else(|| success(call.operation)).unwrap_or(TypeRef::Any);
        fill::complete_new(store, &moment, recipe, of, &place.full(), &mut document);
        fill::take_children(&mut document);
    }
    fill::touch(recipe, &moment, &mut document);
    keep(store, plan, place, document.clone());
    event::record(store, call, recipe, "update", &place.key, &document);
    Ok(answer(store, call, plan, place, &document))
}

/// What a full replacement leaves of a document: what callers cannot set.
fn kept(call: &Call<'_>, recipe: &Recipe, known: &Document) -> Document {
    let request = call.operation.request.as_ref().map(|request| request.schema);
    let settable = request.map_or_else(Vec::new, |of| schema::members(of, Some(known)));
    let mut kept = known.clone();
    kept.retain(|name, _| {
        recipe.immutable.contains(name)
            || ["id", "status"].contains(&name.as_str())
            || !settable.iter().any(|member| member.name == name && !member.read_only)
    });
    kept
}

fn keep(store: &mut Store, plan: &Plan, place: &Place, document: Document) {
    match plan.target {
        Target::Item => store.resources.collection_mut(&place.path).put(&place.key, document),
        Target::Singleton => store.resources.set_singleton(&place.path, document),
        Target::Collection | Target::Nothing => {}
    }
}

fn delete(store: &mut Store, call: &Call<'_>, plan: &Plan, place: &Place) -> Outcome {
    let known = match current(store, call, plan, place) {
        Ok(known) => known,
        Err(_) if place.recipe.forgiving => Document::new(),
        // What cannot be read can be deleted twice.
        Err(_) if plan.target == Target::Singleton && !super::plan::is_readable(&plan.shape) => Document::new(),
        Err(error) => return Err(error),
    };
    refuse(call, place.recipe, &known)?;
    match plan.target {
        Target::Item => drop(store.resources.remove_item(&place.path, &place.key)),
        _ => drop(store.resources.remove_singleton(&place.path)),
    }
    event::record(store, call, place.recipe, "delete", &place.key, &known);
    Ok(answer(store, call, plan, place, &known))
}

fn clear(store: &mut Store, call: &Call<'_>, place: &Place) -> Reply {
    let items: Vec<_> = store.resources.collection(&place.path).map_or_else(Vec::new, |items| {
        items.iter().map(|(key, document)| (key.to_owned(), document.clone())).collect()
    });
    for (key, document) in items {
        store.resources.remove_item(&place.path, &key);
        event::record(store, call, place.recipe, "delete", &key, &document);
    }
    without_body(call)
}

fn act(store: &mut Store, call: &Call<'_>, plan: &Plan, place: &Place) -> Outcome {
    let mut document = current(store, call, plan, place)?;
    refuse(call, place.recipe, &document)?;
    let action = plan.action.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
    let action = action.map_or(plan.action, |name| call.param(name)).to_lowercase();
    let moment = Moment::of(call, store);
    if let Some(changes) = place.recipe.actions.get(&action) {
        let path = place.full();
        let changes =
            template::expand_members(&changes.members(), &mut |name| moment.value(store, &path, &document, name));
        merge(&mut document, &changes);
    } else if let (Some(status), Some(known)) = (status_after(&action), document.get_mut("status")) {
        *known = status.into();
    }
    if !document.is_empty() {
        fill::touch(place.recipe, &moment, &mut document);
        keep(store, plan, place, document.clone());
    }
    let done = match action.as_str() {
        "enable" => "activate",
        "disable" => "deactivate",
        other => other,
    };
    event::record(store, call, place.recipe, done, &place.key, &document);
    Ok(answer(store, call, plan, place, &document))
}

/// The status that an action leads to.
fn status_after(action: &str) -> Option<&'static str> {
    Some(match action {
        "activate" | "unsuspend" => "ACTIVE",
        "deactivate" => "INACTIVE",
        "suspend" => "SUSPENDED",
        "enable" => "ENABLED",
        "disable" => "DISABLED",
        _ => return None,
    })
}

/// Answers with the item at a path, for areas that changed it after it was written.
pub(super) fn show(store: &Store, call: &Call<'_>, plan: &Plan, path: &str) -> Outcome {
    let mut place = place::find(store, call, plan)?;
    let (_, key) = path.rsplit_once('/').unwrap_or_default();
    key.clone_into(&mut place.key);
    let document = item(store, call, plan, &place)?;
    Ok(answer(store, call, plan, &place, &document))
}
