//! Starting and stopping the listeners.

use std::net::SocketAddr;
use std::sync::Arc;
use std::{fmt, io};

use axum::Router;
use oktant_base::{Clock, Code, Coded, Entropy, Secret, codes};
use oktant_scim::{BaseUrl, Settings};
use oktant_warehouse::Account;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::http::{self, Doors, Patience};
use crate::listen::Stop;
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
    /// The account, if one is served.
    pub account: Option<Account>,
    /// The tables of an org, if there is one.
    pub tables: Option<OktaTables>,
    /// What else is served over HTTP.
    pub beside: Option<Beside>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where tokens and nonces come from.
    pub entropy: Arc<dyn Entropy>,
}

/// Routes beside those of an account.
#[derive(Clone)]
pub struct Beside {
    /// The routes.
    pub routes: Router,
    /// Their figures, in the text format of Prometheus.
    pub figures: Arc<dyn Fn() -> String + Send + Sync>,
}

impl fmt::Debug for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Beside").finish_non_exhaustive()
    }
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

/// A server whose addresses are its own and that answers nobody yet.
pub struct Bound {
    config: Config,
    http: Listening,
    pg: Option<Listening>,
}

/// A listener and what encrypts its connections.
struct Listening {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Config {
    /// Opens the listeners. Connections wait until the server serves: what may be done once only, such as telling
    /// someone a password, is done in between.
    ///
    /// # Errors
    ///
    /// [`Error::Listen`] if an address is taken, [`Error::Tls`] if certificate or key cannot be used.
    pub async fn bind(self) -> Result<Bound, Error> {
        let acceptor = |protocols: &[&[u8]]| self.tls.as_ref().map(|files| tls::acceptor(files, protocols)).transpose();
        let (http_tls, pg_tls) = (acceptor(&[b"h2", b"http/1.1"])?, acceptor(&[b"postgresql"])?);
        let http = bind(self.listen, http_tls).await?;
        let pg = match self.pg_listen.filter(|_| self.account.is_some()) {
            Some(address) => Some(bind(address, pg_tls).await?),
            None => None,
        };
        Ok(Bound { config: self, http, pg })
    }

    /// Opens the listeners and serves in the current tokio runtime.
    ///
    /// # Errors
    ///
    /// Those of [`Self::bind`].
    pub async fn start(self) -> Result<Server, Error> {
        Ok(self.bind().await?.serve())
    }
}

impl Bound {
    /// Serves in the current tokio runtime.
    pub fn serve(self) -> Server {
        let Self { config, http, pg } = self;
        let metrics = Arc::new(Metrics::default());
        let (clock, entropy) = (&config.clock, &config.entropy);
        let is_encrypted = http.tls.is_some();
        let doors = config.account.map(|account| {
            let gateway = Gateway::new(account.clone(), Arc::clone(clock), Arc::clone(entropy), Arc::clone(&metrics));
            let (of_clock, of_entropy) = (Arc::clone(clock), Arc::clone(entropy));
            let front = Front::new(account.clone(), config.tables, of_clock, of_entropy, Arc::clone(&metrics));
            let scim = scim(&account, clock, entropy.as_ref(), is_encrypted);
            Doors { account, gateway, front, scim }
        });
        let front = doors.as_ref().map(|doors| doors.front.clone());
        let router = http::router(doors, metrics, config.beside);
        let stop = watch::Sender::new(false);
        let serving = http::serve(http.listener, http.tls, router, Stop::of(&stop), Patience::default());
        let mut tasks = vec![tokio::spawn(serving)];
        let pg_address = pg.as_ref().map(|pg| pg.address);
        if let (Some(pg), Some(front)) = (pg, front) {
            tasks.push(tokio::spawn(front.serve(pg.listener, pg.tls, Stop::of(&stop))));
        }
        Server { address: http.address, pg_address, is_encrypted, stop, tasks }
    }
}

/// The account over SCIM.
fn scim(account: &Account, clock: &Arc<dyn Clock>, entropy: &dyn Entropy, is_encrypted: bool) -> Router {
    let mut cursor_key = [0; 32];
    entropy.fill(&mut cursor_key);
    let base_url = BaseUrl::FromHost { scheme: if is_encrypted { "https" } else { "http" } };
    // Discovery is public, with the profile that the account's integrations have.
    let settings = Settings { base_url, ..Settings::new(Secret::new(cursor_key), Arc::clone(clock)) };
    oktant_scim::router(Arc::new(account.clone()), settings)
}

async fn bind(address: SocketAddr, tls: Option<TlsAcceptor>) -> Result<Listening, Error> {
    let failed = |source| Error::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok(Listening { listener, address, tls })
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

    /// Stops accepting, and completes when what is under way is answered, at most ten seconds later.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            // A task that panicked has said so itself.
            let _ = task.await;
        }
    }
}
