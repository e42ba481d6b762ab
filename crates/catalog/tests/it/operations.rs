//! Operations and buckets.

use std::collections::HashSet;

use oktant_catalog::{
    Api, Lifecycle, ListShape, Method, ParameterIn, Plan, Security, TypeRef, bucket, operation, operations, schema,
};

#[test]
fn all_management_operations_are_there_and_ids_are_unique() {
    let management = operations().iter().filter(|operation| operation.api == Api::Management);
    assert_eq!(management.count(), 732);
    let ids: HashSet<_> = operations().iter().map(|operation| operation.id).collect();
    assert_eq!(ids.len(), operations().len());
    assert_eq!(operations().len(), 732 + 40);
}

#[test]
fn operations_are_found_by_id() {
    for expected in operations() {
        assert!(std::ptr::eq(operation(expected.id).expect("a known id"), expected));
    }
    assert!(operation("noSuchOperation").is_none());
}

#[test]
fn a_listed_operation_has_its_facts() {
    let list_users = operation("listUsers").expect("a known id");
    assert_eq!((list_users.method, list_users.path), (Method::Get, "/api/v1/users"));
    assert_eq!((list_users.tag, list_users.group), ("User", "Users"));
    assert_eq!(list_users.scopes, ["okta.users.read"]);
    assert_eq!(list_users.security, Security::TokenOrOAuth);
    assert_eq!(list_users.lifecycle, Lifecycle::Ga);
    assert_eq!(list_users.list, ListShape::Array);
    let limit = list_users.limit.expect("it pages");
    assert_eq!((limit.default, limit.max), (Some(200), Some(200)));
    let success = list_users.success().expect("it answers 200");
    assert_eq!(success.schema, Some(TypeRef::Array(&TypeRef::Named("User"))));
    let names: Vec<_> = list_users.parameters_in(ParameterIn::Query).map(|parameter| parameter.name).collect();
    for name in ["search", "filter", "q", "after", "limit", "sortBy", "sortOrder", "fields", "expand"] {
        assert!(names.contains(&name), "{name} is missing");
    }
}

#[test]
fn wrapped_lists_name_their_member() {
    for (id, items, next_in_body) in [
        ("listRoles", "roles", true),
        ("listResourceSets", "resource-sets", true),
        ("listUsersWithRoleAssignments", "value", true),
        ("listCustomDomains", "domains", false),
    ] {
        let list = operation(id).expect("a known id").list;
        assert_eq!(list, ListShape::Wrapped { items, next_in_body }, "{id}");
    }
}

#[test]
fn buckets_follow_method_and_path() {
    for (id, expected) in [
        ("listUsers", "users-list"),
        ("createUser", "users-list"),
        ("getUser", "user-by-id"),
        ("updateUser", "user-write"),
        ("listUserGroups", "api"),
        ("listGroups", "groups"),
        ("getGroup", "group-by-id"),
        ("listGroupUsers", "groups"),
        ("listApplications", "apps"),
        ("getApplication", "app-by-id"),
        ("listApplicationUsers", "apps"),
        ("listLogEvents", "logs"),
        ("verifyFactor", "authn"),
        ("listClients", "oauth-clients"),
        ("token", "oauth"),
        ("oauthKeys", "unlimited"),
    ] {
        assert_eq!(operation(id).expect(id).bucket, expected, "{id}");
    }
}

#[test]
fn every_bucket_exists_with_its_limits() {
    for operation in operations() {
        assert!(bucket(operation.bucket).is_some(), "{} is in bucket {}", operation.id, operation.bucket);
    }
    let limits = bucket("user-by-id").and_then(|bucket| bucket.per_minute).expect("it is limited");
    assert_eq!((limits.of(Plan::Free), limits.of(Plan::Workforce)), (100, 2000));
    assert!(bucket("unlimited").expect("it exists").per_minute.is_none());
}

#[test]
fn every_named_type_of_an_operation_exists() {
    for operation in operations() {
        let bodies = operation.responses.iter().filter_map(|response| response.schema);
        let bodies = bodies.chain(operation.request.as_ref().map(|request| request.schema));
        for used in bodies.chain(operation.parameters.iter().map(|parameter| parameter.schema)) {
            assert_exists(operation.id, used);
        }
    }
}

/// Fails if a type names a schema that does not exist.
pub(crate) fn assert_exists(place: &str, used: TypeRef) {
    match used {
        TypeRef::Named(name) => assert!(schema(name).is_some(), "{place} uses the unknown schema {name}"),
        TypeRef::Array(inner) | TypeRef::Map(inner) => assert_exists(place, *inner),
        _ => {}
    }
}
