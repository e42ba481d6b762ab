//! What an operation does, read from the shape of its path and its method.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use oktant_catalog::{Api, ListShape, Method, Operation, TypeRef};

use super::schema;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Shows the items of a collection.
    List,
    Read,
    /// Makes an item whose key the org chooses.
    Create,
    /// Makes an item whose key stands in the path, or changes it.
    Put,
    Replace,
    Merge,
    Delete,
    /// Deletes every item of a collection.
    Clear,
    /// Anything else, such as `lifecycle/activate`.
    Act,
}

/// What it is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Collection,
    Item,
    Singleton,
    /// Nothing that the org keeps.
    Nothing,
}

/// How the generic store serves an operation.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) verb: Verb,
    pub(crate) target: Target,
    /// Segments of the path template that lead to the target.
    pub(crate) depth: usize,
    /// Shape of those segments; of an item, that of its collection.
    pub(crate) shape: String,
    /// Name of the action, such as `activate`; empty for other verbs.
    pub(crate) action: &'static str,
}

impl Plan {
    /// Whether it only looks.
    pub(crate) fn reads(&self) -> bool {
        matches!(self.verb, Verb::List | Verb::Read)
    }
}

/// The operations of each path shape.
static SHAPES: LazyLock<BTreeMap<String, Vec<&'static Operation>>> = LazyLock::new(|| {
    let mut shapes: BTreeMap<String, Vec<&'static Operation>> = BTreeMap::new();
    for operation in oktant_catalog::operations() {
        shapes.entry(shape_of(operation.path)).or_default().push(operation);
    }
    shapes
});

static PLANS: LazyLock<HashMap<&'static str, Plan>> =
    LazyLock::new(|| oktant_catalog::operations().iter().map(|operation| (operation.id, read(operation))).collect());

/// The plan of an operation of the catalogue.
pub(crate) fn plan(operation: &Operation) -> Option<&'static Plan> {
    // The flows of the authorization servers hand out tokens; no store of documents can stand for them.
    let is_flow = operation.api == Api::OAuth && !operation.path.starts_with("/oauth2/v1/clients");
    PLANS.get(operation.id).filter(|_| !is_flow)
}

/// A path with its parameters unnamed: `/api/v1/brands/{}/themes`.
pub(crate) fn shape_of(path: &str) -> String {
    let segments = path.split('/').map(|segment| if segment.starts_with('{') { "{}" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

/// Whether the description has this shape, or something below it.
#[cfg(test)]
pub(crate) fn is_known(shape: &str) -> bool {
    SHAPES.contains_key(shape) || SHAPES.keys().any(|known| known.starts_with(&format!("{shape}/")))
}

/// The operation of a method on a shape.
pub(crate) fn operation_at(shape: &str, method: Method) -> Option<&'static Operation> {
    SHAPES.get(shape)?.iter().find(|operation| operation.method == method).copied()
}

/// The methods of a shape, in the order in which links name them.
pub(crate) fn methods(shape: &str) -> Vec<&'static str> {
    let mut methods: Vec<_> = SHAPES.get(shape).into_iter().flatten().map(|operation| operation.method).collect();
    methods.sort_unstable();
    methods.into_iter().map(Method::as_str).collect()
}

/// Whether something by this shape can be read by its own path.
pub(crate) fn is_readable(shape: &str) -> bool {
    operation_at(shape, Method::Get).is_some()
}

/// Whether the shape is one of items that exist without being made: there is neither a list of them
/// nor a way to make or delete one.
pub(crate) fn is_keyed_singleton(item: &str) -> bool {
    let collection = item.strip_suffix("/{}").unwrap_or(item);
    operation_at(collection, Method::Get).is_none()
        && operation_at(collection, Method::Post).is_none()
        && operation_at(item, Method::Delete).is_none()
        && operation_at(item, Method::Put).is_some()
}

/// Whether items stand at the shape.
pub(crate) fn is_collection(shape: &str) -> bool {
    let is_list = |operation: &Operation| operation.list != ListShape::None || holds_list(operation);
    let own = operation_at(shape, Method::Get).is_some_and(is_list);
    let item = format!("{shape}/{{}}");
    let below = [Method::Get, Method::Put, Method::Delete].iter().any(|method| operation_at(&item, *method).is_some());
    own || (below && !is_readable(shape))
}

/// Whether an operation answers an object around a list whose items have paths of their own.
fn holds_list(operation: &Operation) -> bool {
    let body = operation.success().and_then(|response| response.schema);
    is_readable(&format!("{}/{{}}", shape_of(operation.path)))
        && body.is_some_and(|body| {
            is_list(body) || schema::members(body, None).iter().any(|member| is_list(member.schema))
        })
}

fn is_list(of: TypeRef) -> bool {
    matches!(schema::resolved(of), TypeRef::Array(_))
}

fn read(operation: &'static Operation) -> Plan {
    let shape = shape_of(operation.path);
    let depth = shape.split('/').count() - 1;
    let plan = |verb, target, shape: &str| Plan { verb, target, depth, shape: shape.to_owned(), action: "" };
    if let Some(collection) = shape.strip_suffix("/{}") {
        return match item_verb(operation, &shape, collection) {
            Verb::Act => act(operation, &shape),
            verb => plan(verb, Target::Item, collection),
        };
    }
    match (operation.method, is_collection(&shape)) {
        (Method::Get, true) => plan(Verb::List, Target::Collection, &shape),
        (Method::Post, true) => plan(Verb::Create, Target::Collection, &shape),
        (Method::Delete, true) => plan(Verb::Clear, Target::Collection, &shape),
        (Method::Get, false) => plan(Verb::Read, Target::Singleton, &shape),
        (Method::Put, false) => plan(Verb::Replace, Target::Singleton, &shape),
        (Method::Patch, false) => plan(Verb::Merge, Target::Singleton, &shape),
        (Method::Delete, false) => plan(Verb::Delete, Target::Singleton, &shape),
        (Method::Post, false) if is_readable(&shape) => plan(Verb::Merge, Target::Singleton, &shape),
        (Method::Put | Method::Patch, true) | (Method::Post, false) => act(operation, &shape),
    }
}

fn item_verb(operation: &Operation, shape: &str, collection: &str) -> Verb {
    match operation.method {
        Method::Get => Verb::Read,
        Method::Patch => Verb::Merge,
        Method::Delete => Verb::Delete,
        Method::Put if operation_at(collection, Method::Post).is_some() => Verb::Replace,
        Method::Post if methods(shape).len() == 1 => Verb::Act,
        Method::Post if operation_at(collection, Method::Post).is_some() => Verb::Merge,
        Method::Post if operation.id.starts_with("update") => Verb::Merge,
        Method::Put | Method::Post => Verb::Put,
    }
}

/// An action on the nearest thing in the path that the org keeps.
fn act(operation: &'static Operation, shape: &str) -> Plan {
    let action = operation.path.rsplit('/').next().unwrap_or_default();
    let segments: Vec<_> = shape.split('/').collect();
    for end in (2..segments.len()).rev() {
        let prefix = segments[..end].join("/");
        if !is_readable(&prefix) || is_collection(&prefix) {
            continue;
        }
        let (target, shape) = match prefix.strip_suffix("/{}") {
            Some(collection) => (Target::Item, collection),
            None => (Target::Singleton, prefix.as_str()),
        };
        return Plan { verb: Verb::Act, target, depth: end - 1, shape: shape.to_owned(), action };
    }
    Plan { verb: Verb::Act, target: Target::Nothing, depth: 0, shape: String::new(), action }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_methods_say_what_an_operation_does() {
        use Target::{Collection, Item, Nothing, Singleton};
        let expected = [
            ("listBrandThemes", Verb::List, Collection, "/api/v1/brands/{}/themes"),
            ("getBrandTheme", Verb::Read, Item, "/api/v1/brands/{}/themes"),
            ("createBrand", Verb::Create, Collection, "/api/v1/brands"),
            ("replaceBrand", Verb::Replace, Item, "/api/v1/brands"),
            ("updateInlineHook", Verb::Merge, Item, "/api/v1/inlineHooks"),
            ("deleteBrand", Verb::Delete, Item, "/api/v1/brands"),
            ("deleteAllCustomizations", Verb::Clear, Collection, "/api/v1/brands/{}/templates/email/{}/customizations"),
            ("activateNetworkZone", Verb::Act, Item, "/api/v1/zones"),
            ("updateFeatureLifecycle", Verb::Act, Item, "/api/v1/features"),
            ("setOrgShowOktaUIFooter", Verb::Act, Singleton, "/api/v1/org/preferences"),
            ("createPolicySimulation", Verb::Act, Nothing, ""),
            ("getOrgSettings", Verb::Read, Singleton, "/api/v1/org"),
            ("updateOrgSettings", Verb::Merge, Singleton, "/api/v1/org"),
            ("replaceRateLimitSettingsPerClient", Verb::Replace, Singleton, "/api/v1/rate-limit-settings/per-client"),
            ("createRolePermission", Verb::Put, Item, "/api/v1/iam/roles/{}/permissions"),
            ("updateProfileMapping", Verb::Merge, Item, "/api/v1/mappings"),
            ("listAllCustomTelephonyProviderCredentials", Verb::List, Collection, "/api/v1/telephony-providers"),
        ];
        for (id, verb, target, shape) in expected {
            let plan = read(oktant_catalog::operation(id).unwrap());
            assert_eq!((plan.verb, plan.target, plan.shape.as_str()), (verb, target, shape), "{id}");
        }
    }
}
