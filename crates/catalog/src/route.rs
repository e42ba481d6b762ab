//! Finds the operation that a request addresses.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use percent_encoding::percent_decode_str;

use crate::operation::{Method, Operation};

/// An operation found for a request, with the values of its path parameters.
#[derive(Debug, Clone)]
pub struct RouteMatch {
    /// The operation.
    pub operation: &'static Operation,
    /// Path parameters in the order of the template, with decoded values.
    pub params: Vec<(&'static str, String)>,
}

impl RouteMatch {
    /// The decoded value of a path parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

/// Returns the operation for a method and a path without its query.
///
/// A literal segment is preferred to a parameter (`/groups/rules` is never the group called
/// "rules"), repeated slashes count as one, and one trailing slash is ignored. `None` if no
/// template has this shape, if it has none of this method, or if a parameter is not UTF-8.
pub fn route(method: Method, path: &str) -> Option<RouteMatch> {
    let segments = segments(path);
    let found = ROUTES.find(&segments)?;
    let (_, operation) = found.operations.iter().find(|(known, _)| *known == method)?;
    let params = template(operation.path)
        .zip(&segments)
        .filter_map(|(expected, given)| Some((parameter_name(expected)?, given)))
        .map(|(name, given)| Some((name, decode(given)?.into_owned())))
        .collect::<Option<Vec<_>>>()?;
    Some(RouteMatch { operation, params })
}

/// The methods that have an operation on a path, so that others can be refused with 405.
/// Empty if no template has this shape.
pub fn methods(path: &str) -> Vec<Method> {
    let found = ROUTES.find(&segments(path));
    let mut methods: Vec<_> = found.iter().flat_map(|node| &node.operations).map(|(method, _)| *method).collect();
    methods.sort_unstable();
    methods
}

/// A tree of path segments. Parameters carry no name here: templates of one shape name them differently.
#[derive(Default)]
struct Node {
    literals: HashMap<&'static str, Node>,
    parameter: Option<Box<Node>>,
    operations: Vec<(Method, &'static Operation)>,
}

static ROUTES: LazyLock<Node> = LazyLock::new(|| {
    let mut root = Node::default();
    for operation in crate::operations() {
        root.insert(operation);
    }
    root
});

impl Node {
    fn insert(&mut self, operation: &'static Operation) {
        let mut node = self;
        for segment in template(operation.path) {
            node = match parameter_name(segment) {
                Some(_) => node.parameter.get_or_insert_default(),
                None => node.literals.entry(segment).or_default(),
            };
        }
        node.operations.push((operation.method, operation));
    }

    /// The node whose template fits, literals first; a literal that leads nowhere gives way to the parameter.
    fn find(&self, segments: &[&str]) -> Option<&Self> {
        let Some((first, rest)) = segments.split_first() else {
            return (!self.operations.is_empty()).then_some(self);
        };
        let literal = decode(first).and_then(|decoded| self.literals.get(decoded.as_ref()));
        literal.and_then(|node| node.find(rest)).or_else(|| self.parameter.as_ref().and_then(|node| node.find(rest)))
    }
}

fn segments(path: &str) -> Vec<&str> {
    path.split('/').filter(|segment| !segment.is_empty()).collect()
}

fn template(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

fn parameter_name(segment: &'static str) -> Option<&'static str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

fn decode(segment: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(segment).decode_utf8().ok()
}
