//! Requests that want to harm: refused in bounded memory, and the service lives on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes};
use http::{Method, Request, header};
use oktant_base::{ManualClock, Secret};
use oktant_scim::{
    Caller, Error, Event, Kind, Limits, ListQuery, Listing, Patch, Precondition, Profile, Projection, Provider,
    Resource, Settings, Stored, router,
};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tower::ServiceExt;

use crate::support::{GROUP, Service, USER, query, user};

/// A body that says how much of it was taken.
fn endless(chunks: usize, taken: &Arc<AtomicUsize>) -> Body {
    let taken = taken.clone();
    let chunk = Bytes::from(vec![b' '; 64 * 1024]);
    Body::from_stream(futures::stream::iter((0..chunks).map(move |_| {
        taken.fetch_add(1, Ordering::Relaxed);
        Ok::<_, std::io::Error>(chunk.clone())
    })))
}

#[tokio::test]
async fn large_bodies_are_refused_before_they_are_read() {
    let service = Service::new(Profile::Rfc);
    for length in [None, Some(50 * 1024 * 1024)] {
        let taken = Arc::new(AtomicUsize::new(0));
        let mut request = Service::request(Method::POST, "/Users", None);
        *request.body_mut() = endless(800, &taken);
        if let Some(length) = length {
            request.headers_mut().insert(header::CONTENT_LENGTH, header::HeaderValue::from(length));
        }
        service.send(request).await.is(413);
        let most = if length.is_some() { 0 } else { 65 };
        assert!(
            taken.load(Ordering::Relaxed) <= most,
            "M8: {} chunks of 64 KiB were read",
            taken.load(Ordering::Relaxed)
        );
    }
    service.user("alive@example.com").await;
}

#[tokio::test]
async fn nested_bodies_are_refused() {
    let service = Service::new(Profile::Rfc);
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("{\"emails\":[", "]}")] {
        let depth = 10_000;
        let text = format!(
            "{{\"schemas\":[\"{USER}\"],\"userName\":\"x\",\"name\":{}1{}}}",
            open.repeat(depth),
            close.repeat(depth)
        );
        for (method, path) in [
            (Method::POST, "/Users"),
            (Method::PUT, "/Users/x"),
            (Method::PATCH, "/Users/x"),
            (Method::POST, "/.search"),
            (Method::POST, "/Bulk"),
        ] {
            let mut request = Service::request(method, path, None);
            *request.body_mut() = text.clone().into();
            service.send(request).await.bad("invalidSyntax");
        }
    }
    service.user("alive@example.com").await;
}

#[tokio::test]
async fn nested_filters_are_refused() {
    let service = Service::new(Profile::Rfc);
    let id = service.user("alive@example.com").await;
    let count = 100_000;
    for filter in [
        "(".repeat(count),
        format!("{}userName pr{}", "(".repeat(count), ")".repeat(count)),
        "not (".repeat(count),
        "emails[".repeat(count),
        "userName pr and ".repeat(count),
    ] {
        // No more fits into a URI.
        let short = query(&[("filter", &filter[..20_000])]);
        service.get(&format!("/Users{short}")).await.bad("invalidFilter");
        let search = json!({ "schemas": [crate::support::SEARCH], "filter": filter });
        service.post("/.search", search).await.bad("invalidFilter");
        let operation = json!([{ "op": "remove", "path": format!("emails[{filter}]") }]);
        service.patch(&format!("/Users/{id}"), operation).await.bad("invalidPath");
    }
    // As deep as allowed works.
    let deep = format!("{}userName pr{}", "(".repeat(64), ")".repeat(64));
    service.get(&format!("/Users{}", query(&[("filter", &deep)]))).await.is(200);
}

#[tokio::test]
async fn many_operations_and_values_are_bounded() {
    let service = Service::new(Profile::Rfc);
    let id = service.user("alive@example.com").await;
    let path = format!("/Users/{id}");
    let operation = json!({ "op": "add", "path": "emails", "value": [{ "value": "x" }] });
    service.patch(&path, Value::Array(vec![operation; 10_001])).await.bad("invalidValue");
    let distinct = |count: usize| (0..count).map(|index| json!({ "value": index.to_string() })).collect::<Vec<_>>();
    service.patch(&path, json!([{ "op": "add", "path": "emails", "value": distinct(501) }])).await.bad("invalidValue");
    let each = distinct(501).into_iter().map(|value| json!({ "op": "add", "path": "emails", "value": value }));
    service.patch(&path, each.collect()).await.bad("invalidValue");
    let mut body = user("b@example.com");
    body["emails"] = distinct(501).into();
    service.post("/Users", body).await.bad("invalidValue");
    // Members have no such limit.
    let group = service
        .post("/Groups", json!({ "schemas": [GROUP], "displayName": "g", "members": distinct(10_000) }))
        .await
        .created();
    let removals = (0..10_000).map(|index| json!({ "op": "remove", "path": format!("members[value eq \"{index}\"]") }));
    service.patch(&format!("/Groups/{group}"), removals.collect()).await.is(200);
    assert!(service.members(&group).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn bodies_share_a_bound_and_wait_for_each_other() {
    for bodies_bytes in [1, 1_000] {
        let service = Arc::new(Service::limited(Profile::Rfc, Limits { bodies_bytes, ..Limits::default() }));
        let mut tasks = tokio::task::JoinSet::new();
        for index in 0..50 {
            let service = service.clone();
            tasks.spawn(async move { service.post("/Users", user(&format!("u{index}"))).await.status });
        }
        let statuses = tasks.join_all().await;
        assert!(statuses.iter().all(|status| *status == 201), "{bodies_bytes}: {statuses:?}");
    }
}

#[tokio::test]
async fn one_patch_does_not_go_over_long_lists_all_day() {
    let service = Service::new(Profile::Rfc);
    let distinct = |count: usize| (0..count).map(|index| json!({ "value": index.to_string() })).collect::<Vec<_>>();
    let mut body = user("alive@example.com");
    body["emails"] = distinct(500).into();
    let path = format!("/Users/{}", service.post("/Users", body).await.created());
    let times = |operation: Value, count: usize| Value::Array(vec![operation; count]);
    let absent: Vec<_> = (0..400).map(|index| json!({ "value": format!("absent{index}") })).collect();
    let filter = vec!["type eq \"nothing\""; 100].join(" or ");
    for (operation, count) in [
        (json!({ "op": "remove", "path": format!("emails[{filter}]") }), 20),
        (json!({ "op": "add", "path": "emails", "value": distinct(400) }), 10),
        (json!({ "op": "replace", "path": "emails.type", "value": "work" }), 1_000),
        (json!({ "op": "replace", "path": "emails", "value": distinct(400) }), 10),
        (json!({ "op": "remove", "path": "emails", "value": absent }), 10),
    ] {
        let refused = service.patch(&path, times(operation.clone(), count)).await.bad("invalidValue");
        assert!(refused.text.contains("several requests"), "{}: {}", operation["path"], refused.text);
        service.patch(&path, times(operation, 1)).await.is(200);
    }
    let members = json!({ "schemas": [GROUP], "displayName": "g", "members": distinct(10_000) });
    let group = format!("/Groups/{}", service.post("/Groups", members).await.created());
    let by_condition = json!({ "op": "remove", "path": "members[type eq \"User\"]" });
    service.patch(&group, times(by_condition.clone(), 100)).await.bad("invalidValue");
    service.patch(&group, times(by_condition, 5)).await.is(204);
}

#[tokio::test]
async fn texts_and_resources_are_bounded() {
    let service = Service::new(Profile::Rfc);
    let id = service.user("alive@example.com").await;
    let path = format!("/Users/{id}");
    for (path_of_value, length, status) in [("title", 16 * 1024, 200), ("title", 16 * 1024 + 1, 400)] {
        let operation = json!([{ "op": "replace", "path": path_of_value, "value": "x".repeat(length) }]);
        service.patch(&path, operation).await.is(status);
    }
    let long = json!([{ "op": "add", "path": "emails[type eq \"home\"].value", "value": "x".repeat(3_000_000) }]);
    service.patch(&path, long).await.bad("invalidValue");
    let large = (0..10).map(|index| json!({ "value": format!("{index}{}", "x".repeat(16_000)) })).collect::<Vec<_>>();
    service.patch(&path, json!([{ "op": "add", "path": "photos", "value": large }])).await.bad("invalidValue");
    let mut body = user("b@example.com");
    body["photos"] = large.into();
    service.post("/Users", body).await.bad("invalidValue");
    let member = json!({ "schemas": [GROUP], "displayName": "g", "members": [{ "value": "x".repeat(1_025) }] });
    service.post("/Groups", member).await.bad("invalidValue");
}

#[tokio::test]
async fn events_keep_no_long_texts() {
    let service = Service::new(Profile::Rfc);
    let long = "é".repeat(50_000);
    let operation = json!({ "method": "DELETE", "path": format!("/Users/{long}") });
    service.post("/Bulk", json!({ "schemas": [crate::support::BULK], "Operations": [operation] })).await.is(200);
    service.get(&format!("/Users/{}", "x".repeat(20_000))).await.is(404);
    for event in service.memory.events() {
        let resource = event.resource.as_ref();
        let id = resource.and_then(|resource| resource.id.as_ref()).map_or(0, String::len);
        let name = resource.and_then(|resource| resource.name.as_ref()).map_or(0, String::len);
        let detail = event.detail.as_ref().map_or(0, String::len);
        assert!([event.path.len(), id, name, detail].iter().all(|length| *length < 1_100), "{event:?}");
    }
}

#[tokio::test]
async fn bodies_that_do_not_come_keep_nobody_waiting() {
    // Room for one large body.
    let limits = Limits { bodies_bytes: 2 * 1024 * 1024, ..Limits::default() };
    let deadline = limits.body_time;
    let service = Arc::new(Service::limited(Profile::Rfc, limits));
    let mut stalled = tokio::task::JoinSet::new();
    for length in [1024 * 1024, 100] {
        let mut request = Service::request(Method::POST, "/Users", None);
        *request.body_mut() = Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
        request.headers_mut().insert(header::CONTENT_LENGTH, header::HeaderValue::from(length));
        let service = service.clone();
        stalled.spawn(async move { service.send(request).await });
    }
    while service.clock.slept().len() < 2 {
        tokio::task::yield_now().await;
    }
    let body = user("alive@example.com");
    let length = body.to_string().len().to_string();
    service.with(Method::POST, "/Users", Some(&body), "content-length", &length).await.is(201);
    service.clock.advance(deadline);
    for answer in stalled.join_all().await {
        answer.is(408);
    }
    let mut large = user("large@example.com");
    large["title"] = "x".repeat(10_000).into();
    large["unknown"] = "x".repeat(900_000).into();
    service.post("/Users", large).await.is(201);
}

/// Lists users once it is told to; panics when it is asked for a user.
struct Slow {
    started: Notify,
    go: Notify,
}

#[async_trait]
impl Provider for Slow {
    type Context = ();

    async fn authenticate(&self, _: &Caller<'_>) -> Result<(), Error> {
        Ok(())
    }

    fn profile(&self, (): &()) -> Profile {
        Profile::Rfc
    }

    async fn create(&self, (): &(), _: Resource, _: &Projection) -> Result<Stored, Error> {
        Err(Error::internal())
    }

    async fn get(&self, (): &(), _: Kind, _: &str, _: &Projection) -> Result<Stored, Error> {
        panic!("canary of a mistake")
    }

    async fn list(&self, (): &(), query: &ListQuery) -> Result<Listing, Error> {
        if query.kind == Kind::User {
            self.started.notify_one();
            self.go.notified().await;
        }
        Ok(Listing { total: Some(0), ..Listing::default() })
    }

    async fn replace(&self, (): &(), _: &str, _: Resource, _: &Precondition, _: &Projection) -> Result<Stored, Error> {
        Err(Error::internal())
    }

    async fn patch(&self, (): &(), _: &str, _: &Patch, _: &Precondition, _: &Projection) -> Result<Stored, Error> {
        Err(Error::internal())
    }

    async fn delete(&self, (): &(), _: Kind, _: &str, _: &Precondition) -> Result<(), Error> {
        Err(Error::internal())
    }

    async fn audit(&self, _: Option<&()>, _: &Event) {}
}

#[tokio::test]
async fn requests_in_flight_are_limited_per_endpoint() {
    let provider = Arc::new(Slow { started: Notify::new(), go: Notify::new() });
    let clock = Arc::new(ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap()));
    let limits = Limits { in_flight: 1, ..Limits::default() };
    let app: Router = router(provider.clone(), Settings { limits, ..Settings::new(Secret::new([7; 32]), clock) });
    let get = |path: &str| app.clone().oneshot(Request::get(path).body(Body::empty()).unwrap());
    let first = tokio::spawn(get("/Users"));
    tokio::time::timeout(Duration::from_mins(1), provider.started.notified()).await.unwrap();
    let second = get("/Users").await.unwrap();
    assert_eq!(second.status(), 429);
    assert_eq!(second.headers()[header::RETRY_AFTER], "1");
    assert_eq!(get("/Groups").await.unwrap().status(), 200, "each endpoint has a count of its own");
    provider.go.notify_one();
    assert_eq!(first.await.unwrap().unwrap().status(), 200);
    provider.go.notify_one();
    assert_eq!(get("/Users").await.unwrap().status(), 200, "what is done makes room");
}

#[tokio::test]
async fn a_panic_is_an_error_of_scim() {
    let provider = Arc::new(Slow { started: Notify::new(), go: Notify::new() });
    let clock = Arc::new(ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap()));
    let app: Router = router(provider, Settings::new(Secret::new([7; 32]), clock));
    for _ in 0..2 {
        let answer = app.clone().oneshot(Request::get("/Users/x").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), 500);
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/scim+json");
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        assert!(!String::from_utf8_lossy(&body).contains("canary"));
    }
}
