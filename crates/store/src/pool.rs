//! Connections that are lent to one user at a time.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::StoreError;

/// A bounded number of connections, of which some may still have to be made.
#[derive(Debug)]
pub(super) struct Pool<C> {
    idle: Mutex<Vec<C>>,
    free: Arc<Semaphore>,
}

impl<C> Pool<C> {
    /// Room for so many connections; none is made yet.
    pub(super) fn empty(most: usize) -> Arc<Self> {
        Arc::new(Self { idle: Mutex::default(), free: Arc::new(Semaphore::new(most)) })
    }

    /// These connections and no others.
    pub(super) fn of(connections: Vec<C>) -> Arc<Self> {
        let pool = Self::empty(connections.len());
        *pool.idle.lock() = connections;
        pool
    }

    /// Waits for a place, and takes the connection that was used last, if there is one.
    pub(super) async fn acquire(self: &Arc<Self>) -> Result<Lent<C>, StoreError> {
        let permit = Arc::clone(&self.free).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let connection = self.idle.lock().pop();
        Ok(Lent { connection, pool: Arc::clone(self), _permit: permit })
    }
}

/// A place in the pool; its connection goes back when it is dropped.
#[derive(Debug)]
pub(super) struct Lent<C> {
    /// None before it is made and after it broke.
    pub(super) connection: Option<C>,
    pool: Arc<Pool<C>>,
    _permit: OwnedSemaphorePermit,
}

impl<C> Lent<C> {
    /// Closes the connection, which broke, and those that wait beside it: what broke it broke them, most likely.
    pub(super) fn abandon(&mut self) {
        self.connection = None;
        self.pool.idle.lock().clear();
    }
}

impl<C> Drop for Lent<C> {
    fn drop(&mut self) {
        self.pool.idle.lock().extend(self.connection.take());
    }
}
