//! Where answers are kept.

use std::collections::HashMap;
use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderMap;
use oktant_base::Timestamp;
use parking_lot::RwLock;

/// An answer that is kept.
#[derive(Debug, Clone)]
pub struct CachedReply {
    /// HTTP status, 200 to 299.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
    /// When it arrived, or was last found to be unchanged.
    pub stored_at: Timestamp,
}

/// Keeps answers under keys. Lives, sizes and what belongs together are not its concern: the
/// client removes what is old, too much or changed. A store that loses entries is slower, not wrong.
///
/// Keys hold no secrets; answers hold whatever the org answers.
#[async_trait]
pub trait CacheStore: Send + Sync + fmt::Debug {
    /// The answer under `key`.
    async fn get(&self, key: &str) -> Option<CachedReply>;

    /// Keeps an answer, in place of an earlier one.
    async fn put(&self, key: &str, reply: CachedReply);

    /// Forgets the answer under `key`, if there is one.
    async fn remove(&self, key: &str);

    /// Forgets everything.
    async fn clear(&self);

    /// The key of every answer, so that a write of one client forgets what another one put there.
    /// A store that one client has for itself need not list them.
    async fn keys(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Keeps answers in the memory of this process.
#[derive(Debug, Default)]
pub struct MemoryStore(RwLock<HashMap<String, CachedReply>>);

#[async_trait]
impl CacheStore for MemoryStore {
    async fn get(&self, key: &str) -> Option<CachedReply> {
        self.0.read().get(key).cloned()
    }

    async fn put(&self, key: &str, reply: CachedReply) {
        self.0.write().insert(key.to_owned(), reply);
    }

    async fn remove(&self, key: &str) {
        self.0.write().remove(key);
    }

    async fn clear(&self) {
        self.0.write().clear();
    }

    async fn keys(&self) -> Vec<String> {
        self.0.read().keys().cloned().collect()
    }
}
