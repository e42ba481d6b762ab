//! What strangers send, fed to the readers of it: targets for fuzzing.
//!
//! Each target takes any bytes and must not panic; what it asserts besides must hold for all of them.

use std::sync::Arc;

use axum::body::Body;
use http::{Request, StatusCode, header};
use oktant_base::{ManualClock, Secret, SeededEntropy, Timestamp};
use serde_json::{Map, Value, json};
use tower::ServiceExt;

use crate::filter::Filter;
use crate::http::{Settings, router};
use crate::memory::Memory;
use crate::patch::Patch;
use crate::precondition::Precondition;
use crate::profile::{Profile, ScimClient};
use crate::projection::Projection;
use crate::resource::{Member, Resource, Stored};
use crate::schema::{ENTERPRISE_USER, GROUP, Kind, USER};

/// A target by its name.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] =
    &[("scim_filter", filter), ("scim_patch", patch), ("scim_body", body), ("scim_request", request)];

const PROFILES: [Profile; 2] = [Profile::Rfc, Profile::Snowflake { client: ScimClient::Generic }];

/// A filter, a path, a list of attributes and an entity tag.
///
/// # Panics
///
/// If a filter does not print as what it is.
pub fn filter(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    Precondition::parse(&text).holds("1");
    for (profile, kind) in PROFILES.into_iter().flat_map(|profile| Kind::ALL.map(|kind| (profile, kind))) {
        let whole = stored(example(kind, profile)).to_json(profile, "");
        if let Ok(projection) = Projection::parse(Some(&text), None, kind.resource_type(profile), profile) {
            assert!(projection.cut(whole.clone()).contains_key("id"), "an id is always shown");
        }
        let Ok(parsed) = Filter::parse(&text, kind, profile) else { continue };
        let found = parsed.matches(&whole);
        // What Snowflake takes is too little to say what its `eq` becomes.
        if profile == Profile::Rfc {
            let again = Filter::parse(&parsed.to_string(), kind, profile);
            assert_eq!(again.as_ref(), Ok(&parsed), "a filter survives being printed");
            assert_eq!(again.map(|again| again.matches(&whole)), Ok(found));
        }
    }
}

/// The body of a PATCH.
///
/// # Panics
///
/// If a refused PATCH changes anything, or an accepted one makes a resource that could not have been made.
pub fn patch(bytes: &[u8]) {
    let Ok(body) = serde_json::from_slice(bytes) else { return };
    for (profile, kind) in PROFILES.into_iter().flat_map(|profile| Kind::ALL.map(|kind| (profile, kind))) {
        let Ok(patch) = Patch::from_json(kind, profile, &body) else { continue };
        let before = example(kind, profile);
        let mut after = before.clone();
        match patch.apply(&mut after) {
            Err(_) => assert_eq!(after, before, "what is refused changes nothing"),
            Ok(applied) => {
                let mut members = before.members.clone().unwrap_or_default();
                applied.members.apply(&mut members);
                assert!(members.windows(2).all(|pair| pair[0].value != pair[1].value), "no member is there twice");
                survives(&after, profile);
            }
        }
    }
}

/// The body of a POST or PUT.
///
/// # Panics
///
/// If what was read and shown is not the same when read again.
pub fn body(bytes: &[u8]) {
    let Ok(body) = serde_json::from_slice(bytes) else { return };
    for (profile, kind) in PROFILES.into_iter().flat_map(|profile| Kind::ALL.map(|kind| (profile, kind))) {
        if let Ok(read) = Resource::from_json(kind, profile, &body) {
            survives(&read, profile);
        }
    }
}

/// A whole request: the first line is the method and the path, the rest the body.
///
/// # Panics
///
/// If the answer is not worded as SCIM does, or the service has failed.
pub fn request(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let line = String::from_utf8_lossy(&bytes[..end]);
    let (method, path) = line.split_once(' ').unwrap_or(("GET", &line));
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::AUTHORIZATION, "Bearer token")
        .header(header::CONTENT_TYPE, "application/scim+json")
        .body(Body::from(bytes[end..].to_vec()));
    let Ok(request) = request else { return };
    let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
    let memory = Memory::new(clock.clone(), Arc::new(SeededEntropy::new(1)));
    memory.add_token(Secret::new("token".to_owned()), Profile::Rfc);
    let app = router(Arc::new(memory), Settings::new(Secret::new([7; 32]), clock));
    let answering = async {
        let response = app.oneshot(request).await.unwrap_or_else(|never| match never {});
        let (parts, body) = response.into_parts();
        (parts.status, axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default())
    };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return };
    let (status, text) = runtime.block_on(answering);
    assert_ne!(status, StatusCode::INTERNAL_SERVER_ERROR, "{}", String::from_utf8_lossy(&text));
    if !text.is_empty() {
        let body: Value = serde_json::from_slice(&text).unwrap_or_default();
        assert!(body["schemas"].is_array(), "{}", String::from_utf8_lossy(&text));
    }
}

/// Checks that a resource, shown and sent back, is what it was.
fn survives(resource: &Resource, profile: Profile) {
    let shown = Value::Object(stored(resource.clone()).to_json(profile, "https://scim.example"));
    let again = Resource::from_json(resource.kind(), profile, &shown);
    assert_eq!(
        again.as_ref().map(Resource::attributes),
        Ok(resource.attributes()),
        "a resource survives being read, changed and sent back"
    );
}

fn stored(resource: Resource) -> Stored {
    Stored {
        id: "1".to_owned(),
        created: Timestamp::UNIX_EPOCH,
        last_modified: Timestamp::UNIX_EPOCH,
        version: "1".to_owned(),
        resource,
    }
}

/// A resource that the seeds of the fuzzer speak of.
fn example(kind: Kind, profile: Profile) -> Resource {
    let attributes = match kind {
        Kind::User => json!({
            "schemas": [USER],
            "userName": "ann@example.com",
            "name": { "givenName": "Ann" },
            "emails": [{ "type": "work", "value": "ann@example.com", "primary": true }, { "value": "a" }],
            "active": true,
            ENTERPRISE_USER: { "department": "IT" },
        }),
        Kind::Group => json!({ "schemas": [GROUP], "displayName": "g" }),
    };
    let mut resource =
        Resource::from_json(kind, profile, &attributes).unwrap_or_else(|_| Resource::new(kind, Map::new()));
    if kind == Kind::Group {
        resource.members = Some(["a", "b"].map(Member::new).into());
    }
    resource
}
