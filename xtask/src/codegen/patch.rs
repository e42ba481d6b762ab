//! Applies the overlay's corrections to the schemas and the operations.

use std::collections::BTreeMap;

use toml::Spanned;

use super::Error;
use super::lookup;
use super::model::{
    Discriminator, Limit, ListShape, Object, Operation, Property, Response, SchemaKind, Schemas, TypeRef, Union,
};
use super::overlay::{Bucket, OperationPatch, Overlay, SchemaPatch};

/// Applies the corrections of schemas.
pub(crate) fn apply_to_schemas(overlay: &Overlay, schemas: &mut Schemas) -> Result<(), Error> {
    for patch in &overlay.schema {
        if patch.reason.trim().is_empty() {
            return Err(overlay.error(&patch.name, "the entry gives no reason"));
        }
        let unknown = patch.forms.iter().find(|(_, form)| !schemas.contains_key(form));
        if let Some((_, form)) = unknown {
            return Err(overlay.error(&patch.name, format!("the descriptions have no schema {form}")));
        }
        let schema = schemas.get_mut(patch.name.get_ref());
        let schema = schema.ok_or_else(|| {
            overlay.error(&patch.name, format!("the descriptions have no schema {}", patch.name.get_ref()))
        })?;
        let changed = match &mut schema.kind {
            SchemaKind::Object(Object { discriminator, .. }) => tell_apart(patch, discriminator),
            SchemaKind::Union(Union { discriminator, merged, .. }) => {
                let is_new = patch.merged && !*merged;
                *merged |= patch.merged;
                tell_apart(patch, discriminator) || is_new
            }
            SchemaKind::Enum(_) | SchemaKind::Alias(_) => false,
        };
        if !changed {
            return Err(overlay.error(&patch.name, "the entry changes nothing"));
        }
    }
    mark_secrets(overlay, schemas)
}

/// Marks the members that are secrets: text that only requests carry, and what the overlay says.
fn mark_secrets(overlay: &Overlay, schemas: &mut Schemas) -> Result<(), Error> {
    let plain = plain_members(schemas);
    let of = |schema: &String, property: &Property| plain.get(&(schema.clone(), property.name.clone())).copied();
    for (schema, property) in members_mut(schemas) {
        property.secret = property.write_only && property.values.is_empty() && of(schema, property) == Some(true);
    }
    for patch in &overlay.member {
        for name in &patch.names {
            if patch.reason.trim().is_empty() {
                return Err(overlay.error(name, "the entry gives no reason"));
            }
            let (of_schema, member) = match name.get_ref().rsplit_once('.') {
                Some((schema, member)) => (Some(schema), member),
                None => (None, name.get_ref().as_str()),
            };
            let mut changed = false;
            for (schema, property) in members_mut(schemas) {
                let is_meant = property.name == member && of_schema.is_none_or(|wanted| wanted == schema);
                if is_meant && of(schema, property).is_some() {
                    changed |= property.secret != patch.secret;
                    property.secret = patch.secret;
                }
            }
            if !changed {
                return Err(overlay.error(name, format!("{} names no member that it changes", name.get_ref())));
            }
        }
    }
    Ok(())
}

/// The members that hold no objects with members of their own, by schema and name, and whether they
/// are text.
fn plain_members(schemas: &Schemas) -> BTreeMap<(String, String), bool> {
    let mut plain = BTreeMap::new();
    for schema in schemas.keys() {
        for property in lookup::properties(schemas, schema) {
            let is_text = match lookup::resolve(schemas, &property.schema) {
                TypeRef::Named(_) => continue,
                of => matches!(of, TypeRef::String(_)),
            };
            plain.insert((schema.clone(), property.name.clone()), is_text);
        }
    }
    plain
}

fn members_mut(schemas: &mut Schemas) -> impl Iterator<Item = (&String, &mut Property)> {
    schemas.iter_mut().flat_map(|(name, schema)| {
        let properties = match &mut schema.kind {
            SchemaKind::Object(object) => object.properties.as_mut_slice(),
            SchemaKind::Enum(_) | SchemaKind::Union(_) | SchemaKind::Alias(_) => &mut [],
        };
        properties.iter_mut().map(move |property| (name, property))
    })
}

/// Corrects how forms are told apart; `false` if that is what the description says.
fn tell_apart(patch: &SchemaPatch, discriminator: &mut Option<Discriminator>) -> bool {
    let property = patch.by.clone().or_else(|| discriminator.as_ref().map(|known| known.property.clone()));
    let Some(property) = property.filter(|_| !patch.forms.is_empty()) else { return false };
    let corrected = Some(Discriminator { property, mapping: patch.forms.clone() });
    if *discriminator == corrected {
        return false;
    }
    *discriminator = corrected;
    true
}

/// Applies corrections, then assigns every operation its rate-limit bucket.
pub(crate) fn apply(overlay: &Overlay, operations: &mut [Operation], schemas: &Schemas) -> Result<(), Error> {
    for patch in &overlay.operation {
        if patch.reason.trim().is_empty() {
            return Err(overlay.error(&patch.id, "the entry gives no reason"));
        }
        let operation = operations.iter_mut().find(|operation| operation.id == *patch.id.get_ref());
        let operation = operation.ok_or_else(|| unknown_operation(overlay, &patch.id))?;
        apply_one(overlay, patch, operation, schemas)?;
    }
    if let Some(bucket) = overlay.bucket.iter().find(|bucket| bucket.reason.trim().is_empty()) {
        return Err(overlay.error(&bucket.id, "the entry gives no reason"));
    }
    assign_buckets(overlay, operations)
}

/// The error of an entry that names an operation that does not exist.
pub(crate) fn unknown_operation(overlay: &Overlay, id: &Spanned<String>) -> Error {
    overlay.error(id, format!("the descriptions have no operation {}", id.get_ref()))
}

fn apply_one(
    overlay: &Overlay,
    patch: &OperationPatch,
    operation: &mut Operation,
    schemas: &Schemas,
) -> Result<(), Error> {
    if let Some(limit) = patch.limit {
        let known = operation.limit.unwrap_or(Limit { min: None, default: None, max: None });
        let corrected = Limit {
            min: limit.min.or(known.min),
            default: limit.default.or(known.default),
            max: limit.max.or(known.max),
        };
        if operation.limit == Some(corrected) {
            return Err(overlay.error(&patch.id, "the description says the same about `limit` by now"));
        }
        operation.limit = Some(corrected);
    }
    if let Some(wrapped) = &patch.wrapped {
        let items = &wrapped.items;
        if !has_array(operation.result(), items, schemas) {
            return Err(overlay.error(&patch.id, format!("the answer has no array {items}")));
        }
        operation.list = ListShape::Wrapped { items: items.clone(), next_in_body: wrapped.next_in_body };
    }
    if let Some(scopes) = &patch.scopes {
        if operation.scopes == *scopes {
            return Err(overlay.error(&patch.id, "the description says the same about `scopes` by now"));
        }
        operation.scopes.clone_from(scopes);
    }
    if let Some(status) = patch.status {
        set_success(operation, status)
            .map_err(|()| overlay.error(&patch.id, "the description says the same about `status` by now"))?;
    }
    if let Some(idempotent) = patch.idempotent {
        if operation.idempotent == idempotent {
            return Err(overlay.error(&patch.id, "the method says the same about `idempotent`"));
        }
        operation.idempotent = idempotent;
    }
    Ok(())
}

/// Gives the documented success another status, or adds one without a body where none is documented.
/// `Err` if that is what the description says.
fn set_success(operation: &mut Operation, status: u16) -> Result<(), ()> {
    if operation.responses.iter().any(|known| known.status == status) {
        return Err(());
    }
    match operation.responses.iter_mut().find(|known| (200..300).contains(&known.status)) {
        Some(known) => known.status = status,
        None => operation.responses.push(Response { status, media_types: Vec::new(), schema: None }),
    }
    operation.responses.sort_by_key(|known| known.status);
    Ok(())
}

fn has_array(result: Option<&TypeRef>, member: &str, schemas: &Schemas) -> bool {
    let Some(TypeRef::Named(name)) = result else { return false };
    let properties = lookup::properties(schemas, name);
    properties.iter().any(|property| {
        property.name == member && matches!(lookup::resolve(schemas, &property.schema), TypeRef::Array(_))
    })
}

/// How well a bucket's route fits an operation: the longest path wins, then the one without `**`,
/// then the one that names the method.
type Fit = (usize, bool, bool);

fn assign_buckets(overlay: &Overlay, operations: &mut [Operation]) -> Result<(), Error> {
    for operation in operations {
        let mut fits: BTreeMap<Fit, &Bucket> = BTreeMap::new();
        for bucket in &overlay.bucket {
            for route in &bucket.routes {
                let Some(fit) = fit(route.get_ref(), operation) else { continue };
                if fits.insert(fit, bucket).is_some_and(|other| other.id != bucket.id) {
                    let problem = format!("{} belongs to two buckets equally well", operation.id);
                    return Err(overlay.error(route, problem));
                }
            }
        }
        let (_, bucket) = fits.pop_last().ok_or_else(|| Error::description(&operation.id, "no bucket covers it"))?;
        operation.bucket.clone_from(bucket.id.get_ref());
    }
    Ok(())
}

fn fit(route: &str, operation: &Operation) -> Option<Fit> {
    let (method, path) = match route.split_once(' ') {
        Some((method, path)) => (Some(method), path),
        None => (None, route),
    };
    if method.is_some_and(|method| !method.eq_ignore_ascii_case(operation.method)) {
        return None;
    }
    let (prefix, is_prefix) = match path.strip_suffix("/**") {
        Some(prefix) => (prefix, true),
        None => (path, false),
    };
    let expected = segments(prefix);
    let given = segments(&operation.path);
    let fits = if is_prefix { given.len() >= expected.len() } else { given.len() == expected.len() };
    let same = |(expected, given): (&&str, &&str)| expected == given || (*expected == "{}" && given.starts_with('{'));
    (fits && expected.iter().zip(&given).all(same)).then_some((expected.len(), !is_prefix, method.is_some()))
}

fn segments(path: &str) -> Vec<&str> {
    path.split('/').filter(|segment| !segment.is_empty()).collect()
}
