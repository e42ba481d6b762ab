//! What starts flows: endpoints, event hooks, logs, schedules.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use oktant_base::{Clock as _, Coded as _, Secret};
use oktant_engine::{Caller, Callers, CardError, ErrorKind, HttpSettings, RunFilter, RunState, Source, router};
use oktant_flow::model::{Delivery, Event, Flow, Schedule, Security, Step, TriggerKind};
use oktant_flow::schedule::Times;
use oktant_functions::Value;
use serde_json::{Value as Json, json};
use tower::ServiceExt as _;

use crate::common::*;

#[derive(Debug)]
struct OneCaller;

#[async_trait]
impl Callers for OneCaller {
    async fn caller(&self, token: &Secret) -> Option<Caller> {
        let scopes = match token.expose().as_str() {
            "invoker" => vec![oktant_engine::INVOKE_SCOPE.to_owned()],
            "admin" => Vec::new(),
            _ => return None,
        };
        Some(Caller { id: "00u1".to_owned(), scopes })
    }
}

struct Web {
    bench: Bench,
    router: axum::Router,
}

impl Web {
    async fn new(flows: Vec<Flow>) -> Self {
        let bench = Bench::new(flows).await;
        let settings = HttpSettings {
            hook_secret: Some(Secret::new("hush".to_owned())),
            hook_open: false,
            callers: Arc::new(OneCaller),
            answer_within: Duration::from_mins(1),
        };
        let router = router(bench.engine.clone(), settings);
        Self { bench, router }
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (StatusCode, String) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    fn invoke(&self, flow: &str) -> String {
        format!("/api/flo/{}/invoke", self.bench.engine.flow(flow).unwrap().alias)
    }
}

fn endpoint(id: &str, security: Security, parameters: &[&str], steps: Vec<Step>) -> Flow {
    flow(id, TriggerKind::Endpoint(security), parameters, steps)
}

fn hello() -> Vec<Step> {
    vec![ret(vec![("text", template("Hello {trigger.body/name}"))])]
}

#[tokio::test]
async fn an_endpoint_sees_its_request_and_answers_with_what_is_returned() {
    let parameters =
        ["raw/headers:object", "raw/body", "raw/query", "headers/x-tag", "query/page", "body/name", "body/n:number"];
    let steps = vec![ret(vec![
        ("tag", from("trigger.headers/x-tag")),
        ("page", from("trigger.query/page")),
        ("name", from("trigger.body/name")),
        ("n", from("trigger.body/n").number()),
        ("raw", from("trigger.raw/body")),
        ("query", from("trigger.raw/query")),
        ("agent", from("trigger.raw/headers>user-agent")),
    ])];
    let web = Web::new(vec![endpoint("open", Security::Open, &parameters, steps)]).await;
    let path = format!("{}?page=2&q=a%20b", web.invoke("open"));
    let body = r#"{"name":"Ada","n":"7"}"#;
    let (status, answer) = web.send("POST", &path, &[("X-Tag", "t"), ("User-Agent", "test")], body).await;
    assert_eq!(status, 200, "{answer}");
    let expected =
        json!({"tag": "t", "page": "2", "name": "Ada", "n": 7, "raw": body, "query": "page=2&q=a+b", "agent": "test"});
    assert_eq!(serde_json::from_str::<Json>(&answer).unwrap(), expected);
    let (_, answer) = web.send("GET", &format!("{}?name=Eve&n=1", web.invoke("open")), &[], "").await;
    let answer: Json = serde_json::from_str(&answer).unwrap();
    assert_eq!((&answer["name"], &answer["n"], &answer["tag"]), (&json!("Eve"), &json!(1), &json!(null)));
    let (status, answer) = web.send("POST", &web.invoke("open"), &[], r#"{"n":"seven"}"#).await;
    assert_eq!(status, 400, "{answer}");
    web.bench.engine.switch("open", false).await.unwrap();
    assert_eq!(web.send("POST", &web.invoke("open"), &[], "").await.0, 404);
    assert_eq!(web.send("POST", "/api/flo/nothing/invoke", &[], "").await.0, 404);
}

#[tokio::test]
async fn three_levels_of_security() {
    let flows = vec![
        endpoint(
            "token",
            Security::Token,
            &["raw/headers:object"],
            vec![ret(vec![("seen", from("trigger.raw/headers"))])],
        ),
        endpoint("oauth", Security::OAuth, &["body/name"], hello()),
        flow(
            "admin",
            TriggerKind::Delegated,
            &["user context/okta-user-id", "inputs/why"],
            vec![ret(vec![("text", template("{trigger.user context/okta-user-id} {trigger.inputs/why}"))])],
        ),
        helper("helper", &[], hello()),
    ];
    let web = Web::new(flows).await;
    let path = web.invoke("token");
    let token = web.bench.engine.new_token("token").await.unwrap();
    assert_eq!(web.send("POST", &path, &[], "").await.0, 401);
    assert_eq!(web.send("POST", &path, &[("x-api-client-token", "wrong")], "").await.0, 401);
    let (status, answer) =
        web.send("POST", &path, &[("x-api-client-token", token.expose()), ("x-other", "o")], "").await;
    assert_eq!(status, 200);
    assert!(
        answer.contains("x-other") && !answer.contains(token.expose()),
        "the token is not the flow's business: {answer}"
    );
    assert_eq!(web.send("GET", &format!("{path}?clientToken={}", token.expose()), &[], "").await.0, 200);
    let newer = web.bench.engine.new_token("token").await.unwrap();
    assert_eq!(web.send("POST", &path, &[("x-api-client-token", token.expose())], "").await.0, 401, "replaced");
    assert_eq!(web.send("POST", &path, &[("x-api-client-token", newer.expose())], "").await.0, 200);

    let path = web.invoke("oauth");
    for (authorization, expected) in [("Bearer invoker", 200), ("Bearer admin", 401), ("Basic invoker", 401), ("", 401)]
    {
        let status = web.send("POST", &path, &[("Authorization", authorization)], r#"{"name":"x"}"#).await.0;
        assert_eq!(status, expected, "{authorization}");
    }

    let path = web.invoke("admin").replace("invoke", "delegate");
    let (status, answer) = web.send("POST", &path, &[("Authorization", "Bearer invoker")], r#"{"why":"test"}"#).await;
    assert_eq!((status, answer.as_str()), (StatusCode::OK, r#"{"text":"00u1 test"}"#));
    for authorization in ["Bearer admin", "Bearer nobody", ""] {
        assert_eq!(web.send("POST", &path, &[("Authorization", authorization)], "").await.0, 401, "{authorization}");
    }
    for _ in 0..9 {
        assert_eq!(web.send("POST", &path, &[("Authorization", "Bearer invoker")], "").await.0, 200);
    }
    assert_eq!(web.send("POST", &path, &[("Authorization", "Bearer invoker")], "").await.0, 429, "ten in a second");
    assert_eq!(web.send("POST", &web.invoke("helper"), &[], "").await.0, 404, "helpers have no endpoint");
}

#[tokio::test]
async fn ten_calls_a_second_then_429() {
    let web = Web::new(vec![endpoint("open", Security::Open, &["body/name"], hello())]).await;
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(web.send("POST", &web.invoke("open"), &[], "{}").await.0.as_u16());
    }
    assert_eq!(statuses, [[200; 10].as_slice(), &[429; 2]].concat());
    web.bench.clock.advance(Duration::from_secs(1));
    assert_eq!(web.send("POST", &web.invoke("open"), &[], "{}").await.0, 200);
}

fn event_flow(id: &str, operation: &str, steps: Vec<Step>) -> Flow {
    let event = Event {
        address: format!("okta:{operation}").parse().unwrap(),
        connection: None,
        options: Vec::new(),
        delivery: Delivery::Batch,
    };
    flow(id, TriggerKind::Event(event), &["Output/uuid", "Output/name"], steps)
}

fn batch(events: &[(&str, &str)]) -> String {
    let events: Vec<Json> = events
        .iter()
        .map(|(uuid, name)| json!({"uuid": uuid, "eventType": "user.lifecycle.create", "name": name}))
        .collect();
    json!({"eventType": "com.okta.event_hook", "eventId": "e1", "data": {"events": events}}).to_string()
}

#[tokio::test]
async fn a_hook_is_verified_and_each_event_starts_its_flows_once() {
    let check = vec![
        ("left-operand", from("trigger.Output/name")),
        ("operator", "==".into()),
        ("right-operand", "bad".into()),
        ("message", "bad".into()),
    ];
    let flows = vec![
        event_flow(
            "one",
            "user_lifecycle_create",
            vec![
                card("check", "control:throwIf", check),
                card("act", "test:safe", vec![("what", template("one {trigger.Output/name}"))]),
            ],
        ),
        event_flow(
            "two",
            "user_lifecycle_create",
            vec![card("act", "test:safe", vec![("what", template("two {trigger.Output/name}"))])],
        ),
        event_flow("other", "group_lifecycle_create", vec![card("act", "test:safe", vec![("what", "other".into())])]),
    ];
    let web = Web::new(flows).await;
    let (status, answer) = web.send("GET", "/api/flo/events", &[("x-okta-verification-challenge", "c1")], "").await;
    assert_eq!((status, answer.as_str()), (StatusCode::OK, r#"{"verification":"c1"}"#));
    let secret = [("Authorization", "hush")];
    let events = batch(&[("u1", "ann"), ("u2", "bad"), ("u3", "cyd")]);
    let (status, refused) = web.send("POST", "/api/flo/events", &[("Authorization", "wrong")], &events).await;
    assert_eq!(status, 401);
    assert!(refused.contains("secret of the event hook") && refused.contains("--event-hook-secret-file"), "{refused}");
    assert_eq!(web.send("POST", "/api/flo/events", &secret, &events).await.0, 204);
    // Once more, as after a timeout, with one more.
    let events = batch(&[("u1", "ann"), ("u2", "bad"), ("u3", "cyd"), ("u4", "dee")]);
    assert_eq!(web.send("POST", "/api/flo/events", &secret, &events).await.0, 204);
    web.bench.until(|bench| bench.engine.metrics().runs(RunState::Succeeded) == 7).await;
    assert_eq!(web.bench.engine.metrics().runs(RunState::Failed), 1, "the second one, alone");
    assert_eq!(web.bench.engine.metrics().duplicates(), 6);
    let times = web.bench.target.times();
    let done: Vec<&str> = times.keys().map(String::as_str).collect();
    assert_eq!(done, ["one ann", "one cyd", "one dee", "two ann", "two bad", "two cyd", "two dee"]);
    assert!(times.values().all(|times| *times == 1));
    for bad in ["", "[]", "{}", r#"{"data":{"events":1}}"#, "\u{1}"] {
        assert_eq!(web.send("POST", "/api/flo/events", &secret, bad).await.0, 400, "{bad}");
    }
}

/// A log that grows: its position is how many of its events were read.
#[derive(Debug)]
struct Log(parking_lot::Mutex<Vec<Value>>);

#[async_trait]
impl Source for Log {
    fn name(&self) -> &'static str {
        "system log of acme"
    }

    async fn poll(&self, position: Option<&str>) -> Result<(Vec<Value>, String), CardError> {
        let events = self.0.lock();
        let from = position.map_or(events.len(), |position| position.parse().unwrap());
        let page: Vec<Value> = events[from..].iter().take(2).cloned().collect();
        let next = (from + page.len()).to_string();
        Ok((page, next))
    }
}

#[tokio::test]
async fn a_log_is_read_from_where_it_was_read_last() {
    let database = sqlite();
    let event = |n: usize| {
        Value::from_json(
            &json!({"uuid": n.to_string(), "eventType": "user.lifecycle.create", "name": n.to_string()}).to_string(),
        )
        .unwrap()
    };
    let log = Arc::new(Log(parking_lot::Mutex::new(vec![event(0)])));
    let flows = || {
        vec![event_flow(
            "one",
            "user_lifecycle_create",
            vec![card("act", "test:safe", vec![("what", from("trigger.Output/name"))])],
        )]
    };
    let first = Bench::with(&database.url, flows(), |_| {}).await;
    first.engine.follow(log.clone(), Duration::from_mins(1));
    tokio::time::sleep(Duration::from_millis(100)).await;
    log.0.lock().extend((1..=5).map(event));
    first.advance(Duration::from_mins(1)).await;
    first.until(|bench| bench.target.times().len() == 5).await;
    first.engine.close().await;
    drop(first);
    log.0.lock().extend((6..=7).map(event));
    let second = until_open(&database.url, flows()).await;
    second.engine.follow(log.clone(), Duration::from_mins(1));
    second.until(|bench| bench.target.times().len() == 2).await;
    assert_eq!(second.target.times().into_keys().collect::<Vec<_>>(), ["6", "7"], "neither what was before nor again");
}

/// A log that cannot be read a few times; how often it was asked.
#[derive(Debug)]
struct Failing(AtomicUsize);

#[async_trait]
impl Source for Failing {
    fn name(&self) -> &'static str {
        "failing"
    }

    async fn poll(&self, _position: Option<&str>) -> Result<(Vec<Value>, String), CardError> {
        match self.0.fetch_add(1, Ordering::SeqCst) {
            6 => Ok((Vec::new(), "1".to_owned())),
            _ => Err(CardError::new(ErrorKind::Unavailable, "it is away")),
        }
    }
}

#[tokio::test]
async fn a_log_that_cannot_be_read_is_tried_at_growing_intervals() {
    let bench = Bench::new(Vec::new()).await;
    let log = Arc::new(Failing(AtomicUsize::new(0)));
    bench.engine.follow(log.clone(), Duration::from_secs(7));
    for asked in 1..=8 {
        bench.until(|_| log.0.load(Ordering::SeqCst) == asked).await;
        bench.advance(Duration::from_mins(1)).await;
    }
    let seconds = bench
        .clock
        .slept()
        .into_iter()
        .map(|pause| pause.as_secs())
        .filter(|pause| (7..=120).contains(pause) && *pause != 10);
    let pauses: Vec<u64> = seconds.take(8).collect();
    assert_eq!(pauses, [7, 14, 28, 56, 60, 60, 7, 7], "up to a minute, and from the start after it was read");
}

fn every(minutes: &str, hours: &str, time_zone: &str) -> Schedule {
    Schedule {
        seconds: "0".to_owned(),
        minutes: minutes.to_owned(),
        hours: hours.to_owned(),
        day_of_month: "*".to_owned(),
        month: "*".to_owned(),
        day_of_week: "*".to_owned(),
        time_zone: time_zone.to_owned(),
    }
}

#[test]
fn schedules_follow_their_time_zone_over_the_change_of_clocks() {
    let next = |schedule: &Schedule, from: &str, count: usize| {
        let times = Times::new(schedule).unwrap();
        let mut at = from.parse().unwrap();
        let next = std::iter::from_fn(|| {
            at = times.after(at)?;
            Some(at.format("%m-%dT%H:%MZ").to_string())
        });
        next.take(count).collect::<Vec<_>>()
    };
    let daily = every("30", "2", "Europe/Berlin");
    // 02:30 does not exist on 29 March 2026, and exists twice on 25 October.
    assert_eq!(next(&daily, "2026-03-28T00:00:00Z", 3), ["03-28T01:30Z", "03-29T01:00Z", "03-30T00:30Z"]);
    assert_eq!(next(&daily, "2026-10-24T00:00:00Z", 3), ["10-24T00:30Z", "10-25T00:30Z", "10-26T01:30Z"]);
    let half_hours = every("*/30", "*", "US/Pacific");
    assert_eq!(
        next(&half_hours, "2026-11-01T08:00:00Z", 4),
        ["11-01T08:30Z", "11-01T09:00Z", "11-01T09:30Z", "11-01T10:00Z"]
    );
    let mut sundays = every("0", "1-11/6", "GMT");
    sundays.day_of_week = "0".to_owned();
    assert_eq!(next(&sundays, "2026-01-15T00:00:00Z", 3), ["01-18T01:00Z", "01-18T07:00Z", "01-25T01:00Z"]);
}

#[tokio::test]
async fn a_flow_whose_schedule_means_no_time_is_not_switched_on() {
    let mut never = every("0", "0", "UTC");
    (never.day_of_month, never.month) = ("31".to_owned(), "2".to_owned());
    let wrong =
        [(every("61", "*", "UTC"), "0 61 * * * *"), (every("0", "9", "Asia/Tokio"), "Asia/Tokio"), (never, "no day")];
    let bench = Bench::new(vec![]).await;
    for (schedule, expected) in wrong {
        let flow = flow("tick", TriggerKind::Schedule(schedule), &[], vec![]);
        bench.engine.save(&flow).await.unwrap();
        let refused = bench.engine.switch("tick", true).await.unwrap_err();
        assert_eq!(refused.code().id(), "OKT4306");
        assert!(refused.to_string().contains(expected), "{refused}");
        assert!(!bench.engine.flow("tick").unwrap().active, "{expected}");
        // What was switched on before this was looked at can be switched off.
        bench.engine.switch("tick", false).await.unwrap();
    }
}

#[tokio::test]
async fn a_schedule_starts_its_flow_once_per_time_and_never_twice_at_once() {
    let schedule = |id: &str, steps| {
        flow(id, TriggerKind::Schedule(every("*/15", "*", "UTC")), &["context/execution_time"], steps)
    };
    let flows = vec![
        schedule("quick", vec![card("act", "test:safe", vec![("what", from("trigger.context/execution_time"))])]),
        schedule("slow", vec![card("wait", "control:wait", vec![("delay", 20.into()), ("unit", "minute".into())])]),
    ];
    let bench = Bench::new(flows).await;
    for done in 1..=3 {
        bench.advance(Duration::from_mins(15)).await;
        bench.until(|bench| bench.target.times().len() == done).await;
    }
    let times: Vec<String> = bench.target.times().into_keys().collect();
    assert_eq!(times, ["2026-01-15T12:15:00.000Z", "2026-01-15T12:30:00.000Z", "2026-01-15T12:45:00.000Z"]);
    let slow = RunFilter { flow: Some("slow".into()), ..RunFilter::default() };
    let runs = bench.engine.history(&slow).await.unwrap();
    assert!(runs.len() < 3, "one is left out while another one waits: {runs:?}");
    assert!(bench.clock.now().to_rfc3339().starts_with("2026-01-15T12:45"));
}

#[tokio::test]
async fn events_are_taken_to_their_end_even_if_the_sender_hangs_up() {
    let steps = vec![card("act", "test:safe", vec![("what", template("{trigger.Output/name}"))])];
    let web = Web::new(vec![event_flow("one", "user_lifecycle_create", steps)]).await;
    let (secret, events) = ([("Authorization", "hush")], batch(&[("u1", "ann")]));
    let mut send = Box::pin(web.send("POST", "/api/flo/events", &secret, &events));
    assert!(futures::poll!(&mut send).is_pending(), "gone before the answer");
    drop(send);
    web.bench.until(|bench| bench.engine.metrics().runs(RunState::Succeeded) == 1).await;
}

#[tokio::test]
async fn a_hook_without_a_secret_is_closed_unless_it_is_opened() {
    let bench = Bench::new(vec![event_flow("one", "user_lifecycle_create", vec![])]).await;
    for (hook_open, status) in [(false, 403), (true, 204)] {
        let settings = HttpSettings { hook_open, ..HttpSettings::default() };
        let request = Request::post("/api/flo/events").body(Body::from(batch(&[("u1", "ann")]))).unwrap();
        let answer = router(bench.engine.clone(), settings).oneshot(request).await.unwrap();
        assert_eq!(answer.status(), status);
    }
    assert_eq!(bench.engine.history(&RunFilter::default()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_endpoint_answers_at_its_alias_only_and_when_it_is_on() {
    let web = Web::new(vec![
        endpoint("hello", Security::Open, &["body/name"], hello()),
        endpoint("off", Security::Open, &["body/name"], hello()),
    ])
    .await;
    web.bench.engine.switch("off", false).await.unwrap();
    let mut answers = Vec::new();
    for path in ["/api/flo/nothing/invoke", "/api/flo/hello/invoke", &web.invoke("off")] {
        answers.push(web.send("POST", path, &[], "").await);
    }
    assert!(answers.iter().all(|answer| answer.0 == StatusCode::NOT_FOUND && *answer == answers[0]), "{answers:?}");
}
