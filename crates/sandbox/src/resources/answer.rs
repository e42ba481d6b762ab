//! What a call is answered with.

use http::StatusCode;
use oktant_catalog::{Operation, TypeRef};
use serde_json::{Value, json};

use super::collection::Document;
use super::place::Place;
use super::plan::{Plan, Target, Verb, operation_at};
use super::recipe::Recipe;
use super::schema;
use super::view::Shown;
use crate::http::{Call, Reply};
use crate::store::Store;

/// The type that an operation answers with.
pub(super) fn success(operation: &Operation) -> Option<TypeRef> {
    operation.success()?.schema
}

pub(super) fn shown<'a>(
    store: &'a Store,
    call: &'a Call<'_>,
    plan: &Plan,
    place: &'a Place,
    key: &str,
    of: TypeRef,
) -> Shown<'a> {
    let (shape, path) = match plan.target {
        Target::Item | Target::Collection => (format!("{}/{{}}", plan.shape), format!("{}/{key}", place.path)),
        Target::Singleton | Target::Nothing => (plan.shape.clone(), place.path.clone()),
    };
    Shown { store, call, recipe: place.recipe, shape, path, of }
}

/// The status of success: the description's, unless recordings show another.
fn status(call: &Call<'_>, recipe: &Recipe) -> StatusCode {
    let described = call.operation.success().map_or(200, |response| response.status);
    let status = recipe.statuses.get(call.operation.id).copied().unwrap_or(described);
    StatusCode::from_u16(status).unwrap_or(StatusCode::OK)
}

/// Answers with a document, or with what the description says in its place.
pub(super) fn answer(store: &Store, call: &Call<'_>, plan: &Plan, place: &Place, document: &Document) -> Reply {
    let recipe = place.recipe;
    let of = success(call.operation).filter(|_| !recipe.bodiless.iter().any(|id| id == call.operation.id));
    let Some(of) = of else { return Reply::empty().status(status(call, recipe)) };
    if matches!(schema::resolved(of), TypeRef::String(_)) {
        return Reply::json("").status(status(call, recipe));
    }
    let element = match schema::resolved(of) {
        TypeRef::Array(element) => Some(*element),
        _ => None,
    };
    let shown = shown(store, call, plan, place, &place.key, element.unwrap_or(of));
    let is_own = plan.verb != Verb::Act || is_kind_of(call, plan, element.unwrap_or(of));
    let body = if is_own { shown.whole(document) } else { foreign(call, of) };
    let body = if element.is_some() && body.is_object() { json!([body]) } else { body };
    Reply::json(&body).status(status(call, recipe))
}

/// Whether an action answers with the thing itself.
fn is_kind_of(call: &Call<'_>, plan: &Plan, of: TypeRef) -> bool {
    let shape = if plan.target == Target::Item { format!("{}/{{}}", plan.shape) } else { plan.shape.clone() };
    let reading = operation_at(&shape, oktant_catalog::Method::Get);
    let own = reading.and_then(success).and_then(schema::named);
    let given = schema::named(of);
    let same = own.zip(given).is_some_and(|(own, given)| std::ptr::eq(own, given));
    same || (call.operation.path.contains("/lifecycle/") && plan.target != Target::Nothing)
}

/// An answer that is no document of the store: as little as the description allows, with what was sent.
fn foreign(call: &Call<'_>, of: TypeRef) -> Value {
    let mut body = schema::minimal(of, call.now);
    if let (Value::Object(body), Ok(sent)) = (&mut body, call.optional_object()) {
        let members = schema::members(of, Some(&sent));
        body.extend(sent.into_iter().filter(|(name, _)| members.iter().any(|member| member.name == *name)));
    }
    body
}

pub(super) fn without_body(call: &Call<'_>) -> Reply {
    let status = call.operation.success().map_or(204, |response| response.status);
    Reply::empty().status(StatusCode::from_u16(status).unwrap_or(StatusCode::NO_CONTENT))
}
