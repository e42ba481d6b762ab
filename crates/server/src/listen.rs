//! Accepting connections, and bringing them to their end when the server stops.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Wait after an error that concerns the machine, such as no free file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// How long what is under way may take when the server stops.
pub(crate) const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// Tells that the server is to stop, or is gone. Clones tell the same.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    pub(crate) fn of(stop: &watch::Sender<bool>) -> Self {
        Self(stop.subscribe())
    }

    /// Completes when the server is to stop.
    pub(crate) async fn told(&self) {
        // An error means that the server is gone.
        let _ = self.0.clone().wait_for(|stop| *stop).await;
    }
}

/// A listener, and what bounds its connections.
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    pub(crate) stop: Stop,
    /// How long connections may take to end when the server stops; the rest is cut off.
    pub(crate) patience: Duration,
    /// Connections at one time.
    pub(crate) connections_max: usize,
    /// What a connection beyond them is told before it is closed.
    pub(crate) refusal: Bytes,
}

impl Door {
    /// Accepts connections until told to stop, then lets those under way come to their end. What goes wrong with one
    /// does not end the others.
    pub(crate) async fn serve<F>(self, mut converse: impl FnMut(TcpStream, SocketAddr) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut connections = JoinSet::new();
        loop {
            let (stream, peer) = tokio::select! {
                () = self.stop.told() => break,
                _ = connections.join_next(), if !connections.is_empty() => continue,
                accepted = accepted(&self.listener) => accepted,
            };
            if connections.len() < self.connections_max {
                connections.spawn(converse(stream, peer));
            } else {
                tracing::warn!(%peer, "a connection is refused: there are {}", self.connections_max);
                // As far as it goes without waiting.
                let _ = stream.try_write(&self.refusal);
            }
        }
        drop(self.listener);
        let ended = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(self.patience, ended).await.is_err() {
            tracing::warn!("{} connections are cut off", connections.len());
            connections.shutdown().await;
        }
    }
}

async fn accepted(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Small answers must not wait for the acknowledgement of the one before.
                let _ = stream.set_nodelay(true);
                return (stream, peer);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
