//! Answers that are used again, and those that must not be.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use oktant_client::properties::CacheOptions;
use oktant_client::{CacheStore, CachedReply, Call, Edges, MemoryStore, Org, Properties};

use crate::fake::{Fake, JumpingClock, edges, json};

const NOON: &str = "2026-01-01T12:00:00Z";
const JANE: &str = "/api/v1/users/00u00000000000000001";
const JOHN: &str = "/api/v1/users/00u00000000000000002";

/// Numbered answers: arrays for paths that end in a collection.
async fn numbered() -> Fake {
    Fake::start(|number, request| {
        let is_list = request.path.ends_with('s');
        json(200, &[], &if is_list { format!("[{number}]") } else { format!("{{\"n\":{number}}}") })
    })
    .await
}

struct Setup {
    org: Org,
    clock: Arc<JumpingClock>,
}

fn options() -> CacheOptions {
    CacheOptions {
        time_to_live: Duration::from_mins(5),
        time_to_idle: Duration::from_mins(2),
        ..CacheOptions::default()
    }
}

async fn setup(fake: &Fake, options: CacheOptions, store: Option<Arc<dyn CacheStore>>, token: &str) -> Setup {
    let clock = JumpingClock::at(NOON);
    let mut properties = Properties::parse(&format!("BaseURL={};APIToken={token}", fake.url)).unwrap();
    properties.cache = Some(options);
    let edges = Edges { cache: store, ..edges(clock.clone()) };
    Setup { org: Org::connect(&properties, edges).await.unwrap(), clock }
}

async fn read(org: &Org, path: &str) -> String {
    read_call(org, Call::get(path).unwrap()).await
}

async fn read_call(org: &Org, call: Call) -> String {
    let reply = org.send(call).await.unwrap();
    assert_eq!(reply.from_cache, reply.attempts == 0);
    String::from_utf8(reply.body.to_vec()).unwrap()
}

async fn write(org: &Org, method: &str, path: &str) {
    org.send(Call::path(method, path).unwrap()).await.unwrap();
}

#[tokio::test]
async fn it_is_off_unless_asked_for() {
    let fake = numbered().await;
    let org = fake.org(JumpingClock::at(NOON)).await;
    assert_ne!(read(&org, JANE).await, read(&org, JANE).await);
}

#[tokio::test]
async fn objects_are_kept_and_lists_only_if_asked_for() {
    let fake = numbered().await;
    let Setup { org, .. } = setup(&fake, options(), None, "t").await;
    assert_eq!(read(&org, JANE).await, read(&org, JANE).await);
    assert_eq!(read(&org, &format!("{JANE}?a=1&b=2")).await, read(&org, &format!("{JANE}?b=2&a=1")).await);
    assert_ne!(read(&org, JANE).await, read(&org, JOHN).await);
    let accept = |media_type: &str| Call::get(JANE).unwrap().header("Accept", media_type);
    assert_ne!(read_call(&org, accept("text/plain")).await, read(&org, JANE).await);
    assert_ne!(read(&org, "/api/v1/groups").await, read(&org, "/api/v1/groups").await);
    let Setup { org, .. } = setup(&fake, CacheOptions { lists: true, ..options() }, None, "t").await;
    assert_eq!(read(&org, "/api/v1/groups").await, read(&org, "/api/v1/groups").await);
}

#[tokio::test]
async fn answers_grow_old_by_the_clock() {
    let fake = numbered().await;
    let Setup { org, clock } = setup(&fake, options(), None, "t").await;
    let first = read(&org, JANE).await;
    for _ in 0..2 {
        clock.advance(Duration::from_secs(119));
        assert_eq!(read(&org, JANE).await, first, "each use keeps it awake");
    }
    clock.advance(Duration::from_secs(62));
    let second = read(&org, JANE).await;
    assert_ne!(second, first, "its life is over");
    clock.advance(Duration::from_mins(2));
    assert_ne!(read(&org, JANE).await, second, "no one used it for too long");
}

#[tokio::test]
async fn a_write_forgets_what_it_may_have_changed() {
    let fake = numbered().await;
    let lifecycle = format!("{JANE}/lifecycle/deactivate");
    for (method, path) in [("PUT", JANE), ("POST", JANE), ("DELETE", JANE), ("POST", lifecycle.as_str())] {
        let Setup { org, .. } = setup(&fake, CacheOptions { lists: true, ..options() }, None, "t").await;
        let (jane, john) = (read(&org, JANE).await, read(&org, JOHN).await);
        let (list, factors) = (read(&org, "/api/v1/users").await, read(&org, &format!("{JANE}/factors")).await);
        write(&org, method, path).await;
        assert_ne!(read(&org, JANE).await, jane, "{method} {path}");
        assert_ne!(read(&org, &format!("{JANE}/factors")).await, factors, "{method} {path}");
        assert_ne!(read(&org, "/api/v1/users").await, list, "{method} {path}");
        assert_eq!(read(&org, JOHN).await, john, "{method} {path}");
    }
}

#[tokio::test]
async fn a_write_that_fails_may_have_been_made() {
    let fake = Fake::start(|number, request| {
        let status = if request.body == "x" { 500 } else { 200 };
        json(status, &[], &format!("{{\"n\":{number}}}"))
    })
    .await;
    let Setup { org, .. } = setup(&fake, options(), None, "t").await;
    let before = read(&org, JANE).await;
    org.send(Call::path("POST", JANE).unwrap().body("text/plain", "x")).await.unwrap_err();
    assert_ne!(read(&org, JANE).await, before);
}

#[tokio::test]
async fn one_call_may_go_past_it() {
    let fake = numbered().await;
    let Setup { org, .. } = setup(&fake, options(), None, "t").await;
    let first = read(&org, JANE).await;
    assert_ne!(read_call(&org, Call::get(JANE).unwrap().no_cache()).await, first);
    assert_eq!(read(&org, JANE).await, first);
    let refreshed = read_call(&org, Call::get(JANE).unwrap().refresh()).await;
    assert_ne!(refreshed, first);
    assert_eq!(read(&org, JANE).await, refreshed);
    org.clear_cache().await;
    assert_ne!(read(&org, JANE).await, refreshed);
}

#[tokio::test]
async fn unchanged_answers_are_not_sent_twice() {
    let fake = Fake::start(|number, request| match request.header("if-none-match") {
        "\"v1\"" if number < 3 => json(304, &[("etag", "\"v1\"")], ""),
        _ => json(200, &[("etag", "\"v1\"")], &format!("{{\"n\":{number}}}")),
    })
    .await;
    let Setup { org, clock } = setup(&fake, options(), None, "t").await;
    let first = read(&org, JANE).await;
    let reply = org.send(Call::get(JANE).unwrap().refresh()).await.unwrap();
    assert_eq!((reply.status, reply.from_cache, reply.attempts), (200, true, 1));
    assert_eq!(reply.body, first);
    clock.advance(Duration::from_mins(10));
    org.send(Call::get(JANE).unwrap()).await.unwrap();
    assert_eq!(fake.seen().len(), 3, "an old answer is asked about");
    assert_eq!(read(&org, JANE).await, first, "and young again");
    clock.advance(Duration::from_mins(10));
    let reply = org.send(Call::get(JANE).unwrap()).await.unwrap();
    assert_eq!((reply.from_cache, fake.seen().len()), (false, 4));
}

#[tokio::test]
async fn the_number_of_answers_is_bounded() {
    let fake = numbered().await;
    let Setup { org, .. } = setup(&fake, CacheOptions { entries_max: 2, ..options() }, None, "t").await;
    let path = |number: usize| format!("/api/v1/apps/app{number}");
    let first = read(&org, &path(1)).await;
    let second = read(&org, &path(2)).await;
    assert_eq!(read(&org, &path(1)).await, first);
    read(&org, &path(3)).await;
    assert_eq!(read(&org, &path(1)).await, first);
    assert_ne!(read(&org, &path(2)).await, second, "the one unused for longest went");
}

#[tokio::test]
async fn errors_are_not_kept() {
    let fake = Fake::start(|number, _| json(if number == 0 { 404 } else { 200 }, &[], "{}")).await;
    let Setup { org, .. } = setup(&fake, options(), None, "t").await;
    org.send(Call::get(JANE).unwrap()).await.unwrap_err();
    assert_eq!(read(&org, JANE).await, "{}");
}

/// What a duck-typed adapter can do: four verbs and a map.
#[derive(Debug, Default)]
struct Adapter(Mutex<HashMap<String, CachedReply>>);

#[async_trait]
impl CacheStore for Adapter {
    async fn get(&self, key: &str) -> Option<CachedReply> {
        self.0.lock().unwrap().get(key).cloned()
    }

    async fn put(&self, key: &str, reply: CachedReply) {
        self.0.lock().unwrap().insert(key.to_owned(), reply);
    }

    async fn remove(&self, key: &str) {
        self.0.lock().unwrap().remove(key);
    }

    async fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
}

#[tokio::test]
async fn a_shared_store_keeps_credentials_apart() {
    let fake = numbered().await;
    let store = Arc::new(Adapter::default());
    let one = setup(&fake, options(), Some(store.clone()), "s3cret-one").await.org;
    let same = setup(&fake, options(), Some(store.clone()), "s3cret-one").await.org;
    let other = setup(&fake, options(), Some(store.clone()), "s3cret-two").await.org;
    let first = read(&one, JANE).await;
    assert_eq!(read(&same, JANE).await, first);
    assert_ne!(read(&other, JANE).await, first);
    let keys = format!("{:?}", store.0.lock().unwrap());
    assert!(!keys.contains("s3cret"), "{keys}");
}

/// A store that is slow to keep: the next answer waits until it is let in.
#[derive(Debug, Default)]
struct Slow {
    inner: Adapter,
    asked: tokio::sync::Notify,
    let_in: tokio::sync::Notify,
}

#[async_trait]
impl CacheStore for Slow {
    async fn get(&self, key: &str) -> Option<CachedReply> {
        self.inner.get(key).await
    }

    async fn put(&self, key: &str, reply: CachedReply) {
        self.asked.notify_one();
        self.let_in.notified().await;
        self.inner.put(key, reply).await;
    }

    async fn remove(&self, key: &str) {
        self.inner.remove(key).await;
    }

    async fn clear(&self) {
        self.inner.clear().await;
    }
}

#[tokio::test]
async fn an_answer_that_a_write_overtook_is_not_kept() {
    // The second request, which reads Jane, is held back until the write was answered.
    let (arrived, held) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    let (arrives, holds) = (arrived.clone(), held.clone());
    let fake = Fake::start_async(move |number, _| {
        let (arrives, holds) = (arrives.clone(), holds.clone());
        Box::pin(async move {
            if number == 1 {
                arrives.notify_one();
                holds.notified().await;
            }
            json(200, &[], &format!("{{\"n\":{number}}}"))
        })
    })
    .await;
    let Setup { org, .. } = setup(&fake, options(), None, "t").await;
    let john = read(&org, JOHN).await;
    let early = tokio::spawn({
        let org = org.clone();
        async move { read(&org, JANE).await }
    });
    arrived.notified().await;
    write(&org, "PUT", JANE).await;
    held.notify_one();
    let jane = early.await.unwrap();
    assert_ne!(read(&org, JANE).await, jane, "it is from before the write");
    assert_eq!(read(&org, JOHN).await, john, "the write was not about it");
}

#[tokio::test]
async fn a_write_while_an_answer_is_being_kept_forgets_it() {
    let fake = numbered().await;
    let store = Arc::new(Slow::default());
    let Setup { org, .. } = setup(&fake, options(), Some(store.clone()), "t").await;
    let early = tokio::spawn({
        let org = org.clone();
        async move { read(&org, JANE).await }
    });
    store.asked.notified().await;
    write(&org, "PUT", JANE).await;
    store.let_in.notify_one();
    let early = early.await.unwrap();
    store.let_in.notify_one();
    assert_ne!(read(&org, JANE).await, early);
}

#[tokio::test]
async fn a_write_of_one_client_forgets_what_another_kept() {
    let fake = numbered().await;
    // One that lists its keys, and one that does not: there a client forgets what it has used.
    for (store, uses_first) in
        [(Arc::new(MemoryStore::default()) as Arc<dyn CacheStore>, false), (Arc::new(Adapter::default()), true)]
    {
        let one = setup(&fake, options(), Some(store.clone()), "t").await.org;
        let other = setup(&fake, options(), Some(store.clone()), "t").await.org;
        let (jane, john) = (read(&one, JANE).await, read(&one, JOHN).await);
        if uses_first {
            assert_eq!(read(&other, JANE).await, jane);
        }
        write(&other, "POST", &format!("{JANE}/lifecycle/deactivate")).await;
        assert_ne!(read(&other, JANE).await, jane, "its own write");
        assert_ne!(read(&one, JANE).await, jane);
        assert_eq!(read(&other, JOHN).await, john);
    }
}
