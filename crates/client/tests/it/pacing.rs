//! Rate limits are kept, not run into.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::response::Response;
use futures::StreamExt;
use oktant_base::{Clock, Timestamp};
use oktant_client::Call;

use crate::fake::{Fake, JumpingClock, http_date, json};

/// An org's limit: so many requests a minute and bucket, from the first request on.
struct Meter {
    clock: Arc<JumpingClock>,
    limit: u32,
    windows: Mutex<HashMap<String, (Timestamp, u32)>>,
}

impl Meter {
    /// The answer to one request of `bucket`, `taken` of whose rest others take each time.
    fn answer(&self, bucket: &str, taken: u32) -> Response {
        let now = self.clock.now();
        let mut windows = self.windows.lock().unwrap();
        let window = windows.entry(bucket.to_owned()).or_insert((now, 0));
        if now >= window.0 + Duration::from_mins(1) {
            *window = (now, 0);
        }
        window.1 += 1 + taken;
        let remaining = self.limit.saturating_sub(window.1).to_string();
        // Whole seconds, rounded down, as the real header is.
        let reset = (window.0.timestamp() + 60).to_string();
        let headers = [
            ("date", http_date(now)),
            ("x-rate-limit-limit", self.limit.to_string()),
            ("x-rate-limit-remaining", remaining),
            ("x-rate-limit-reset", reset),
        ];
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        json(if window.1 > self.limit { 429 } else { 200 }, &headers, "[]")
    }
}

struct Run {
    refused: usize,
    seconds: i64,
    most_in_a_window: usize,
}

/// Sends `count` requests over the buckets of `paths`, `parallelism` at a time.
async fn run(properties: &str, limit: u32, taken: u32, paths: &'static [&'static str], count: usize) -> Run {
    let clock = JumpingClock::at("2026-01-01T12:00:00.900Z");
    let started = clock.now();
    let meter = Meter { clock: clock.clone(), limit, windows: Mutex::default() };
    let refused = Arc::new(Mutex::new(0));
    let times: Arc<Mutex<Vec<Timestamp>>> = Arc::default();
    let (counter, record, server_clock) = (refused.clone(), times.clone(), clock.clone());
    let fake = Fake::start(move |_, request| {
        let answer = meter.answer(&request.path, taken);
        *counter.lock().unwrap() += usize::from(answer.status() == 429);
        record.lock().unwrap().push(server_clock.now());
        answer
    })
    .await;
    let org = fake.org_with(&format!("APIToken=t;{properties}"), clock.clone()).await;
    let calls = (0..count).map(|number| {
        let org = org.clone();
        async move { org.send(Call::get(paths[number % paths.len()]).unwrap()).await.map(drop) }
    });
    let results: Vec<_> = futures::stream::iter(calls).buffer_unordered(32).collect().await;
    assert!(results.iter().all(Result::is_ok));
    let refused = *refused.lock().unwrap();
    let times = times.lock().unwrap();
    let most_in_a_window = times.chunk_by(|a, b| a == b).map(<[_]>::len).max().unwrap_or(0);
    Run { refused, seconds: (clock.now() - started).num_seconds(), most_in_a_window }
}

#[tokio::test]
async fn six_hundred_a_minute_are_used_and_never_exceeded() {
    let run = run("RateLimitShare=100", 600, 0, &["/api/v1/users"], 1_800).await;
    assert_eq!(run.refused, 0);
    // The third window is used without waiting for its end: two minutes at the best.
    assert!(run.seconds * 95 / 100 <= 120, "{} s", run.seconds);
}

#[tokio::test]
async fn the_share_leaves_room_for_others() {
    let run = run("RateLimitShare=80", 100, 0, &["/api/v1/users"], 300).await;
    assert_eq!((run.refused, run.most_in_a_window), (0, 80));
}

#[tokio::test]
async fn others_who_use_the_bucket_are_noticed() {
    let run = run("RateLimitShare=80;Parallelism=4", 600, 2, &["/api/v1/users"], 700).await;
    assert_eq!(run.refused, 0);
}

#[tokio::test]
async fn unknown_paths_are_metered_apart() {
    let run = run("RateLimitShare=100", 50, 0, &["/api/v1/novel", "/api/v1/nova"], 200).await;
    assert_eq!(run.refused, 0);
}
