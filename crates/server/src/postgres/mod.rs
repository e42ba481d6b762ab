//! The wire protocol of PostgreSQL in front of the SQL engine, for the account's users.

mod connection;
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
use pgwire::api::PgWireServerHandlers;
use pgwire::api::auth::StartupHandler;
use pgwire::api::cancel::CancelHandler;
use pgwire::api::query::{ExtendedQueryHandler, SimpleQueryHandler};
use pgwire::messages::cancel::CancelRequest;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::metrics::Metrics;
use crate::okta::OktaTables;
use connection::{Connection, Interrupt};
use departure::Departure;

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

    /// Accepts connections until told to stop, then lets those under way come to their end.
    pub(crate) async fn serve(self, listener: TcpListener, tls: Option<TlsAcceptor>, stop: impl Future<Output = ()>) {
        let mut tasks = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                _ = tasks.join_next(), if !tasks.is_empty() => continue,
                accepted = crate::listen::accepted(&listener) => accepted,
            };
            let (stream, peer) = accepted;
            tasks.spawn(self.clone().converse(stream, peer, tls.clone()));
        }
        // Idle clients would keep the server alive for ever: they are told to go, statements may end.
        self.signed_in.lock().values().for_each(Interrupt::stop);
        while tasks.join_next().await.is_some() {}
    }

    async fn converse(self, stream: TcpStream, peer: SocketAddr, tls: Option<TlsAcceptor>) {
        let (stream, departure) = match Departure::of(stream) {
            Ok(watched) => watched,
            Err(error) => return tracing::warn!(%error, %peer, "a connection cannot be served"),
        };
        let connection = Arc::new(Connection::new(self.clone(), peer, departure));
        let handlers = Handlers { front: self, connection: Arc::clone(&connection) };
        let conversation = pgwire::tokio::process_socket(stream, tls, handlers);
        tokio::select! {
            outcome = conversation => {
                if let Err(error) = outcome {
                    tracing::debug!(%error, %peer, "a connection broke");
                }
            }
            () = connection.is_to_close() => {}
        }
        connection.forget();
    }
}

/// What pgwire calls for one connection.
#[derive(Clone)]
struct Handlers {
    front: Front,
    connection: Arc<Connection>,
}

impl PgWireServerHandlers for Handlers {
    fn startup_handler(&self) -> Arc<impl StartupHandler> {
        Arc::clone(&self.connection)
    }

    fn simple_query_handler(&self) -> Arc<impl SimpleQueryHandler> {
        Arc::new(self.clone())
    }

    fn extended_query_handler(&self) -> Arc<impl ExtendedQueryHandler> {
        Arc::new(self.clone())
    }

    fn cancel_handler(&self) -> Arc<impl CancelHandler> {
        Arc::new(self.front.clone())
    }
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
