//! Answers to `GET` that are used again.
//!
//! Off unless [`Properties::cache`](crate::Properties::cache) is set. A key is made of method, URL,
//! media type and whose credentials asked. Only successful answers are kept; lists only if asked
//! for. A write forgets what it may have changed.

use std::sync::Arc;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE, ETAG};
use oktant_base::{Clock, Secret, Timestamp};
use parking_lot::Mutex;
use url::Url;

mod index;
mod store;

use self::index::{Index, Places};
pub use self::store::{CacheStore, CachedReply, MemoryStore};
use crate::properties::CacheOptions;

/// How one call uses the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum CacheUse {
    /// Answers are taken from it and put into it.
    #[default]
    Normal,
    /// Neither.
    Bypass,
    /// The org is asked, and its answer is put into it.
    Refresh,
}

/// What the cache says about a call.
#[derive(Debug)]
pub(crate) enum Lookup {
    /// This is the answer.
    Hit(CachedReply),
    /// The org must be asked. If it says that this answer is unchanged, it is.
    Stale(CachedReply),
    /// The org must be asked.
    Miss,
}

/// An answer on its way from the org, which a write may overtake.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    cache: &'a Cache,
    number: u64,
    path: &'a str,
}

/// The cache of one org.
#[derive(Debug)]
pub(crate) struct Cache {
    options: CacheOptions,
    store: Arc<dyn CacheStore>,
    clock: Arc<dyn Clock>,
    /// Whose answers these are, digested.
    identity: String,
    index: Mutex<Index>,
}

impl Cache {
    pub(crate) fn new(
        options: CacheOptions,
        store: Option<Arc<dyn CacheStore>>,
        clock: Arc<dyn Clock>,
        identity: &Secret,
    ) -> Self {
        let identity = digest::digest(&digest::SHA256, identity.expose().as_bytes());
        Self {
            options,
            store: store.unwrap_or_else(|| Arc::new(MemoryStore::default())),
            clock,
            identity: URL_SAFE_NO_PAD.encode(&identity.as_ref()[..16]),
            index: Mutex::default(),
        }
    }

    /// The key of a `GET`. Its query is sorted, since the order of parameters means nothing.
    pub(crate) fn key(&self, url: &Url, headers: &HeaderMap) -> String {
        let mut query: Vec<&str> = url.query().unwrap_or_default().split('&').collect();
        query.sort_unstable();
        // The type of the body of a GET is how users are asked for without their credentials and links.
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let place = format!("{}{}?{}", url.origin().ascii_serialization(), url.path(), query.join("&"));
        format!("GET {place} {} {} {}", header(ACCEPT), header(CONTENT_TYPE), self.identity)
    }

    pub(crate) async fn look_up(&self, key: &str, refresh: bool) -> Lookup {
        let Some(reply) = self.store.get(key).await else {
            self.index.lock().forget(key);
            return Lookup::Miss;
        };
        let now = self.clock.now();
        let used_at = self.index.lock().used_at(key).unwrap_or(reply.stored_at);
        let age = |since: Timestamp| (now - since).to_std().unwrap_or_default();
        let is_old = age(reply.stored_at) >= self.options.time_to_live || age(used_at) >= self.options.time_to_idle;
        if !is_old && !refresh {
            // Also what another client of a shared store put there.
            self.index.lock().insert(key, Places::of(path_of(key)), now);
            return Lookup::Hit(reply);
        }
        if reply.headers.contains_key(ETAG) {
            return Lookup::Stale(reply);
        }
        if is_old {
            self.forget(vec![key.to_owned()]).await;
        }
        Lookup::Miss
    }

    /// Begins to read `path`, before the org is asked.
    pub(crate) fn begin_reading<'a>(&'a self, path: &'a str) -> Reading<'a> {
        let number = self.index.lock().begin_reading(path);
        Reading { cache: self, number, path }
    }

    /// Forgets what a request other than `GET` on `path` may have changed.
    pub(crate) async fn invalidate(&self, path: &str) {
        let mut changed = self.index.lock().changed_by(path);
        let written = Places::of(path);
        let foreign = |key: &String| Places::of(path_of(key)).is_changed_by(&written) && !changed.contains(key);
        let foreign: Vec<String> = self.store.keys().await.into_iter().filter(foreign).collect();
        changed.extend(foreign);
        if !changed.is_empty() {
            tracing::debug!(entries = changed.len(), path, "forgotten after a write");
        }
        self.forget(changed).await;
    }

    pub(crate) async fn clear(&self) {
        self.index.lock().clear();
        self.store.clear().await;
    }

    async fn forget(&self, keys: Vec<String>) {
        for key in keys {
            self.index.lock().forget(&key);
            self.store.remove(&key).await;
        }
    }
}

impl Reading<'_> {
    /// Keeps the answer, if it is of a kind that is kept and no write came in between: what was read
    /// before a write and arrives after it is old.
    pub(crate) async fn keep(self, key: &str, status: u16, headers: &HeaderMap, body: &Bytes) {
        let cache = self.cache;
        let is_list = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
        if is_list && !cache.options.lists {
            return;
        }
        let now = cache.clock.now();
        let mut surplus = {
            let mut index = cache.index.lock();
            if !index.is_current(self.number) {
                tracing::debug!(path = self.path, "not kept: a write overtook it");
                return;
            }
            index.insert(key, Places::of(self.path), now);
            index.surplus(cache.options.entries_max)
        };
        let reply = CachedReply { status, headers: headers.clone(), body: body.clone(), stored_at: now };
        cache.store.put(key, reply).await;
        // A write that came while the store was busy removed nothing yet.
        if !cache.index.lock().is_current(self.number) {
            surplus.push(key.to_owned());
        }
        cache.forget(surplus).await;
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.cache.index.lock().end_reading(self.number);
    }
}

/// The path in what [`Cache::key`] made.
fn path_of(key: &str) -> &str {
    let target = key.split(' ').nth(1).unwrap_or_default();
    let after_scheme = target.split_once("://").map_or(target, |(_, rest)| rest);
    let path = after_scheme.find('/').map_or("", |start| &after_scheme[start..]);
    path.split_once('?').map_or(path, |(path, _)| path)
}
