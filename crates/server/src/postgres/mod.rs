//! The wire protocol of PostgreSQL in front of the SQL engine, for the account's users.

mod connection;
mod conversation;
mod departure;
mod failure;
mod habits;
mod introspection;
mod queries;
mod scram;
mod startup;
mod types;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use oktant_base::{Clock, Entropy};
use oktant_warehouse::Account;
use parking_lot::Mutex;
use pgwire::api::cancel::CancelHandler;
use pgwire::messages::cancel::CancelRequest;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::listen::{Door, STOP_PATIENCE, Stop};
use crate::metrics::Metrics;
use crate::okta::OktaTables;
use connection::{Connection, Interrupt};
use departure::Departure;

/// Connections at one time, those that have not signed in included.
const CONNECTIONS_MAX: usize = 1_000;

/// What all connections share. Clones share it, too.
#[derive(Clone)]
pub(crate) struct Front(Arc<Shared>);

pub(crate) struct Shared {
    account: Account,
    tables: Option<OktaTables>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    metrics: Arc<Metrics>,
    /// The connections that have signed in, by the number and key with which they can be cancelled.
    signed_in: Mutex<HashMap<(i32, Bytes), Interrupt>>,
}

impl std::ops::Deref for Front {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Front {
    pub(crate) fn new(
        account: Account,
        tables: Option<OktaTables>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self(Arc::new(Shared { account, tables, clock, entropy, metrics, signed_in: Mutex::default() }))
    }

    /// Connections that have signed in.
    pub(crate) fn session_count(&self) -> usize {
        self.signed_in.lock().len()
    }

    /// Accepts connections until told to stop, then lets the statements under way come to their end.
    pub(crate) async fn serve(self, listener: TcpListener, tls: Option<TlsAcceptor>, stop: Stop) {
        let (patience, refusal) = (STOP_PATIENCE, failure::too_many_connections());
        let door = Door { listener, stop: stop.clone(), patience, connections_max: CONNECTIONS_MAX, refusal };
        door.serve(move |stream, peer| self.clone().converse(stream, peer, tls.clone(), stop.clone())).await;
    }

    async fn converse(self, stream: TcpStream, peer: SocketAddr, tls: Option<TlsAcceptor>, stop: Stop) {
        let (stream, departure) = match Departure::of(stream) {
            Ok(watched) => watched,
            Err(error) => return tracing::warn!(%error, %peer, "a connection cannot be served"),
        };
        let connection = Arc::new(Connection::new(self.clone(), peer, tls.is_some(), departure, stop));
        let handlers = Handlers { front: self, connection: Arc::clone(&connection) };
        tokio::select! {
            outcome = conversation::hold(stream, tls, handlers) => {
                if let Err(error) = outcome {
                    tracing::debug!(%error, %peer, "a connection broke");
                }
            }
            () = connection.is_to_close() => {}
        }
        connection.forget();
    }
}

/// What pgwire calls for the statements of one connection.
#[derive(Clone)]
struct Handlers {
    front: Front,
    connection: Arc<Connection>,
}

#[async_trait]
impl CancelHandler for Front {
    async fn on_cancel_request(&self, request: CancelRequest) {
        let interrupt = self.signed_in.lock().get(&(request.pid, request.secret_key.to_bytes())).cloned();
        if let Some(interrupt) = interrupt {
            interrupt.cancel();
        }
    }
}
