//! Starting and stopping the listeners.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use oktant_base::{Clock, Code, Coded, Entropy, Secret, codes};
use oktant_scim::{BaseUrl, Settings};
use oktant_warehouse::Account;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::http::{self, Instruments};
use crate::listen::{HttpListener, Peer};
use crate::metrics::Metrics;
use crate::okta::OktaTables;
use crate::postgres::Front;
use crate::snowflake::Gateway;
use crate::tls::{self, TlsError, TlsFiles};

/// What a server is made of.
#[derive(Debug)]
pub struct Config {
    /// Where HTTP is served: SCIM, Snowflake's protocol, health and figures. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where PostgreSQL's protocol is served, if at all.
    pub pg_listen: Option<SocketAddr>,
    /// Certificate and key of both; without them nothing is encrypted.
    pub tls: Option<TlsFiles>,
    /// The account.
    pub account: Account,
    /// The tables of an org, if there is one.
    pub tables: Option<OktaTables>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where tokens and nonces come from.
    pub entropy: Arc<dyn Entropy>,
}

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// TLS was asked for and cannot be offered.
    #[error("cannot offer TLS")]
    Tls(#[from] TlsError),
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Listen { .. } => codes::OKT8001,
            Self::Tls(_) => codes::OKT8002,
        }
    }
}

/// A running server. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    pg_address: Option<SocketAddr>,
    is_encrypted: bool,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Config {
    /// Opens the listeners and serves in the current tokio runtime.
    ///
    /// # Errors
    ///
    /// [`Error::Listen`] if an address is taken, [`Error::Tls`] if certificate or key cannot be used.
    pub async fn start(self) -> Result<Server, Error> {
        let acceptor = |protocols: &[&[u8]]| self.tls.as_ref().map(|files| tls::acceptor(files, protocols)).transpose();
        let (http_tls, pg_tls) = (acceptor(&[b"h2", b"http/1.1"])?, acceptor(&[b"postgresql"])?);
        let (listener, address) = bind(self.listen).await?;
        let listening = |source| Error::Listen { address, source };
        let pg = match self.pg_listen {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        let metrics = Arc::new(Metrics::default());
        let (clock, entropy) = (&self.clock, &self.entropy);
        let gateway = Gateway::new(self.account.clone(), Arc::clone(clock), Arc::clone(entropy), Arc::clone(&metrics));
        let front =
            Front::new(self.account.clone(), self.tables, Arc::clone(clock), Arc::clone(entropy), Arc::clone(&metrics));
        let scim = scim(&self.account, clock, entropy.as_ref(), http_tls.is_some());
        let instruments = Instruments { account: self.account, metrics, gateway, front: front.clone() };
        let router = http::router(instruments, scim).into_make_service_with_connect_info::<Peer>();
        let is_encrypted = http_tls.is_some();
        let http_listener = HttpListener::start(listener, http_tls).map_err(listening)?;
        let stop = watch::Sender::new(false);
        let serving = axum::serve(http_listener, router).with_graceful_shutdown(stopped(stop.subscribe()));
        let mut tasks = vec![tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "the HTTP listener failed");
            }
        })];
        let pg_address = pg.as_ref().map(|(_, address)| *address);
        if let Some((listener, _)) = pg {
            tasks.push(tokio::spawn(front.serve(listener, pg_tls, stopped(stop.subscribe()))));
        }
        Ok(Server { address, pg_address, is_encrypted, stop, tasks })
    }
}

/// The account over SCIM.
fn scim(account: &Account, clock: &Arc<dyn Clock>, entropy: &dyn Entropy, is_encrypted: bool) -> axum::Router {
    let mut cursor_key = [0; 32];
    entropy.fill(&mut cursor_key);
    let base_url = BaseUrl::FromHost { scheme: if is_encrypted { "https" } else { "http" } };
    // Discovery is public, with the profile that the account's integrations have.
    let settings = Settings { base_url, ..Settings::new(Secret::new(cursor_key), Arc::clone(clock)) };
    oktant_scim::router(Arc::new(account.clone()), settings)
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let failed = |source| Error::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Completes when the server is to stop, or is gone.
async fn stopped(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

impl Server {
    /// Where HTTP is served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where PostgreSQL's protocol is served.
    pub fn pg_address(&self) -> Option<SocketAddr> {
        self.pg_address
    }

    /// The address of HTTP as a URL.
    pub fn url(&self) -> String {
        let scheme = if self.is_encrypted { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Stops accepting, and completes when the requests under way are answered.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            // A task that panicked has said so itself.
            let _ = task.await;
        }
    }
}
