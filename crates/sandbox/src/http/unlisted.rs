//! Operations that the service has and its published description lacks.
//!
//! # Source
//!
//! Recorded; the buckets are those of the public table of limits.

use http::Method as HttpMethod;
use oktant_catalog::{
    Api, Lifecycle, ListShape, Method, Operation, RequestBody, Response, RouteMatch, Security, TypeRef,
};

static OPERATIONS: [Operation; 2] = [
    Operation {
        id: "createSession",
        path: "/api/v1/sessions",
        tag: "Session",
        scopes: &["okta.sessions.manage"],
        security: Security::TokenOrOAuth,
        responses: &[Response {
            status: 200,
            media_types: &["application/json"],
            schema: Some(TypeRef::Named("Session")),
        }],
        bucket: "sessions",
        ..BLANK
    },
    Operation { id: "authenticate", path: "/api/v1/authn", tag: "Authentication", bucket: "authn", ..BLANK },
];

/// What the operations have in common.
const BLANK: Operation = Operation {
    id: "",
    api: Api::Management,
    method: Method::Post,
    path: "",
    tag: "",
    group: "Access Controls",
    parameters: &[],
    request: Some(RequestBody { required: true, media_types: &["application/json"], schema: TypeRef::Any }),
    responses: &[Response { status: 200, media_types: &["application/json"], schema: Some(TypeRef::Any) }],
    scopes: &[],
    security: Security::Open,
    lifecycle: Lifecycle::Ga,
    deprecated: false,
    list: ListShape::None,
    limit: None,
    bucket: "api",
    idempotent: false,
};

/// The operation at a path, if the description lacks it.
pub(super) fn find(method: &HttpMethod, path: &str) -> Option<RouteMatch> {
    let found = OPERATIONS.iter().find(|operation| operation.path == path && operation.method.as_str() == method);
    found.map(|operation| RouteMatch { operation, params: Vec::new() })
}
