//! The route matcher.

use oktant_catalog::{Method, Operation, methods, operations, route};
use proptest::prelude::*;

fn segments(path: &str) -> Vec<&str> {
    path.split('/').filter(|segment| !segment.is_empty()).collect()
}

fn is_parameter(segment: &str) -> bool {
    segment.starts_with('{')
}

fn fits(template: &str, given: &[&str]) -> bool {
    let expected = segments(template);
    expected.len() == given.len()
        && expected.iter().zip(given).all(|(expected, given)| is_parameter(expected) || expected == given)
}

/// What the matcher must find, looked up the slow way: of the templates that fit, the one whose
/// literals come first.
fn expected(method: Method, path: &str) -> Option<&'static Operation> {
    let given = segments(path);
    let shape = |operation: &Operation| segments(operation.path).iter().map(|s| is_parameter(s)).collect::<Vec<_>>();
    let best = operations().iter().filter(|operation| fits(operation.path, &given)).map(shape).min()?;
    let of_best = |operation: &&Operation| fits(operation.path, &given) && shape(operation) == best;
    operations().iter().filter(of_best).find(|operation| operation.method == method)
}

fn found(method: Method, path: &str) -> Option<&'static str> {
    route(method, path).map(|found| found.operation.id)
}

#[test]
fn every_operation_finds_itself_with_its_parameters() {
    for operation in operations() {
        let path: String = segments(operation.path)
            .iter()
            .map(|s| if is_parameter(s) { "/a%2Fb%20%C3%A9".into() } else { format!("/{s}") })
            .collect();
        let matched = route(operation.method, &path).unwrap_or_else(|| panic!("{path} leads nowhere"));
        assert_eq!(matched.operation.id, operation.id);
        let names = segments(operation.path).into_iter().filter_map(|s| s.strip_prefix('{')?.strip_suffix('}'));
        let expected: Vec<_> = names.map(|name| (name, "a/b é".to_owned())).collect();
        assert_eq!(matched.params, expected);
    }
}

#[test]
fn a_literal_beats_a_parameter_wherever_both_fit() {
    let mut pairs = std::collections::BTreeSet::new();
    for literal in operations() {
        for general in operations() {
            let (ours, theirs) = (segments(literal.path), segments(general.path));
            let first = ours.iter().zip(&theirs).find(|(ours, theirs)| is_parameter(ours) != is_parameter(theirs));
            let is_narrower = first.is_some_and(|(ours, _)| !is_parameter(ours));
            let overlap = ours.len() == theirs.len()
                && ours.iter().zip(&theirs).all(|(a, b)| is_parameter(a) || is_parameter(b) || a == b);
            if !(is_narrower && overlap) {
                continue;
            }
            pairs.insert((shape(literal.path), shape(general.path)));
            let both: String = ours
                .iter()
                .zip(&theirs)
                .map(|(a, b)| if is_parameter(a) { b } else { a })
                .map(|s| if is_parameter(s) { "/x".to_owned() } else { format!("/{s}") })
                .collect();
            assert_eq!(found(literal.method, &both), Some(literal.id), "{both}");
        }
    }
    // The description has 28 such pairs of paths; 20 of them have operations on both sides.
    assert_eq!(pairs.len(), 20, "{pairs:?}");
    let rules = ("/api/v1/groups/rules".to_owned(), "/api/v1/groups/{}".to_owned());
    assert!(pairs.contains(&rules));
}

fn shape(path: &str) -> String {
    segments(path).iter().map(|s| if is_parameter(s) { "/{}".to_owned() } else { format!("/{s}") }).collect()
}

#[test]
fn slashes_around_and_in_front_do_not_matter() {
    for path in ["/api/v1/users", "//api/v1/users", "/api/v1/users/", "api/v1/users"] {
        assert_eq!(found(Method::Get, path), Some("listUsers"), "{path}");
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    assert_eq!(found(Method::Get, "/api/v1/nothing"), None);
    assert_eq!(found(Method::Patch, "/api/v1/users"), None);
    assert_eq!(found(Method::Get, "/api/v1/users/%FF"), None);
    assert_eq!(found(Method::Get, "/"), None);
}

#[test]
fn methods_of_a_path_are_known() {
    assert_eq!(methods("/api/v1/users/me"), [Method::Get, Method::Post, Method::Put, Method::Delete]);
    assert!(methods("/api/v1/nothing").is_empty());
}

/// A segment that occurs in a template, or any text.
fn segment() -> impl Strategy<Value = String> {
    let mut literals: Vec<_> = operations().iter().flat_map(|operation| segments(operation.path)).collect();
    literals.retain(|segment| !is_parameter(segment));
    literals.sort_unstable();
    literals.dedup();
    prop_oneof![3 => prop::sample::select(literals).prop_map(str::to_owned), 1 => "[a-z0-9]{1,6}"]
}

/// A template with its parameters filled in, often by literals of others.
fn path() -> impl Strategy<Value = String> {
    let templates: Vec<_> = operations().iter().map(|operation| operation.path).collect();
    (prop::sample::select(templates), prop::collection::vec(segment(), 8)).prop_map(|(template, fillings)| {
        let mut fillings = fillings.into_iter();
        let filled = segments(template).into_iter().map(|segment| {
            let segment = if is_parameter(segment) { fillings.next().unwrap_or_default() } else { segment.to_owned() };
            format!("/{segment}")
        });
        filled.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_matcher_agrees_with_a_plain_search(path in path(), method in prop::sample::select(vec![
        Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete,
    ])) {
        prop_assert_eq!(found(method, &path), expected(method, &path).map(|operation| operation.id));
    }

    #[test]
    fn any_path_is_safe(path in "\\PC{0,60}") {
        let _ = route(Method::Get, &path);
    }
}
