//! What is served over HTTP: SCIM, Snowflake's protocol, health and figures, under one address.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use oktant_scim::ClientIp;
use oktant_warehouse::Account;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

use crate::listen::{Door, STOP_PATIENCE, Stop};
use crate::metrics::{self, Metrics, Protocol};
use crate::postgres::Front;
use crate::server::Beside;
use crate::snowflake::Gateway;
use crate::tls;

/// Connections at one time.
const CONNECTIONS_MAX: usize = 10_000;

/// What a connection beyond them is told, where nothing is encrypted.
const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// The address a request comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// How long clients may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For the head of a request, from the connection's beginning or the request before on.
    pub(crate) head: Duration,
    /// For the rest of a request, from its head on.
    pub(crate) body: Duration,
    /// For what is under way when the server stops.
    pub(crate) end: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { head: Duration::from_mins(1), body: Duration::from_mins(1), end: STOP_PATIENCE }
    }
}

/// The doors of an account.
pub(crate) struct Doors {
    pub(crate) account: Account,
    pub(crate) gateway: Gateway,
    pub(crate) front: Front,
    pub(crate) scim: Router,
}

/// What health and figures are told from.
#[derive(Clone)]
struct Instruments {
    /// The account, if one is served, and what has sessions of it.
    account: Option<(Account, Gateway, Front)>,
    metrics: Arc<Metrics>,
    beside: Option<Beside>,
}

/// All paths.
pub(crate) fn router(doors: Option<Doors>, metrics: Arc<Metrics>, beside: Option<Beside>) -> Router {
    let account = doors.as_ref().map(|doors| (doors.account.clone(), doors.gateway.clone(), doors.front.clone()));
    let instruments = Instruments { account, metrics: Arc::clone(&metrics), beside: beside.clone() };
    let mut routes = Router::new()
        .route("/health/live", get(|| async { "alive\n" }))
        .route("/health/ready", get(ready))
        .route("/metrics", get(figures))
        .with_state(instruments);
    if let Some(doors) = doors {
        let counted = middleware::from_fn_with_state(metrics, count_scim);
        let scim = doors.scim.layer(counted).layer(middleware::map_request(with_address));
        // As a service, so that the base with a slash is SCIM's to answer, too.
        routes = routes.merge(doors.gateway.router()).nest_service("/scim/v2", scim);
    }
    if let Some(beside) = beside {
        routes = routes.merge(beside.routes);
    }
    // Paths are mended before routes are looked up, so outside of the router that looks them up.
    Router::new().fallback_service(routes).layer(middleware::map_request(mended))
}

/// Serves connections until told to stop.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    stop: Stop,
    patience: Patience,
) {
    let refusal = Bytes::from_static(if tls.is_none() { REFUSAL } else { &[] });
    let door = Door { listener, stop: stop.clone(), patience: patience.end, connections_max: CONNECTIONS_MAX, refusal };
    door.serve(move |stream, peer| converse(stream, peer, tls.clone(), router.clone(), stop.clone(), patience)).await;
}

async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    router: Router,
    stop: Stop,
    patience: Patience,
) {
    match tls {
        None => exchange(stream, peer, router, stop, patience).await,
        Some(tls) => match tls::shake_hands(&tls, stream).await {
            Ok(stream) => exchange(stream, peer, router, stop, patience).await,
            Err(error) => tracing::debug!(%error, %peer, "a TLS handshake failed"),
        },
    }
}

/// Answers the requests of one connection.
async fn exchange<S>(stream: S, peer: SocketAddr, router: Router, stop: Stop, patience: Patience)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let asked = Arc::new(Notify::new());
    let noted = Arc::clone(&asked);
    let router = router.layer(middleware::map_request(move |mut request: Request| {
        noted.notify_one();
        request.extensions_mut().insert(ConnectInfo(Peer(peer)));
        std::future::ready(hurried(request, patience.body))
    }));
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(patience.head);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(patience.head);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)));
    // Until it is known which version of HTTP a client speaks, nothing else bounds its time.
    let asks_nothing = async {
        if timeout(patience.head, asked.notified()).await.is_ok() {
            std::future::pending::<()>().await;
        }
    };
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = asks_nothing => return tracing::debug!(%peer, "a connection asked nothing"),
        () = stop.told() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, %peer, "a connection broke");
    }
}

/// Ends a body with an error that does not arrive in time.
fn hurried(request: Request, patience: Duration) -> Request {
    if request.body().is_end_stream() {
        return request;
    }
    let due = Instant::now() + patience;
    request.map(|body| {
        let parts = stream::unfold(Some(body.into_data_stream()), move |rest| async move {
            let mut rest = rest?;
            match timeout_at(due, rest.next()).await {
                Ok(Some(part)) => {
                    let rest = part.is_ok().then_some(rest);
                    Some((part, rest))
                }
                Ok(None) => None,
                Err(late) => Some((Err(axum::Error::new(late)), None)),
            }
        });
        // Decompression asks once more after the end.
        Body::from_stream(parts.fuse())
    })
}

/// Ready means that the account's store answers, if there is an account.
async fn ready(State(instruments): State<Instruments>) -> Response {
    let Some((account, ..)) = &instruments.account else { return "ready\n".into_response() };
    match account.ping().await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "the account's store does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "the account's store does not answer\n").into_response()
        }
    }
}

async fn figures(State(instruments): State<Instruments>) -> Response {
    let mut text = String::new();
    if let Some((_, gateway, front)) = &instruments.account {
        let sessions = [(Protocol::Snowflake, gateway.session_count()), (Protocol::Postgres, front.session_count())];
        text = instruments.metrics.render(&sessions);
    }
    if let Some(beside) = &instruments.beside {
        text.push_str(&(beside.figures)());
    }
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response()
}

async fn count_scim(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    metrics.scim_answered(response.status().as_u16());
    response
}

/// The caller's address as the SCIM crate looks for it.
async fn with_address(mut request: Request) -> Request {
    if let Some(ConnectInfo(Peer(address))) = request.extensions().get::<ConnectInfo<Peer>>().copied() {
        request.extensions_mut().insert(ClientIp(address.ip()));
    }
    request
}

/// Joins doubled slashes, which the connector 5 sends.
async fn mended(mut request: Request) -> Request {
    let path = request.uri().path();
    if path.contains("//")
        && let Some(uri) = without_doubled_slashes(request.uri())
    {
        *request.uri_mut() = uri;
    }
    request
}

fn without_doubled_slashes(uri: &Uri) -> Option<Uri> {
    let mut path = String::with_capacity(uri.path().len());
    for character in uri.path().chars() {
        if character != '/' || !path.ends_with('/') {
            path.push(character);
        }
    }
    if let Some(query) = uri.query() {
        path.push('?');
        path.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::watch;
    use tokio::task::JoinHandle;

    /// A server that reads bodies: its address, what stops it, and its end.
    async fn reader(patience: Patience) -> (SocketAddr, watch::Sender<bool>, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", axum::routing::post(|body: Bytes| async move { body }));
        let stop = watch::Sender::new(false);
        let serving = tokio::spawn(serve(listener, None, router, Stop::of(&stop), patience));
        (address, stop, serving)
    }

    const LONG: Duration = Duration::from_mins(10);
    const SHORT: Duration = Duration::from_millis(100);
    const UNFINISHED: &[u8] = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345";

    /// What a client is told who sends `text` and then nothing.
    async fn told(address: SocketAddr, text: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(text).await.unwrap();
        let mut told = Vec::new();
        timeout(Duration::from_secs(20), stream.read_to_end(&mut told)).await.expect("an end").unwrap();
        String::from_utf8(told).unwrap()
    }

    #[tokio::test]
    async fn who_sends_no_head_or_no_body_is_not_waited_for() {
        let (address, _stop, _serving) = reader(Patience { head: SHORT, body: LONG, end: LONG }).await;
        for begun in [&b""[..], b"P", b"POST / HTTP/1.1\r\nHost: x\r\n"] {
            let told = told(address, begun).await;
            assert!(told.is_empty() || told.starts_with("HTTP/1.1 408"), "{told}");
        }
        let (address, _stop, _serving) = reader(Patience { head: LONG, body: SHORT, end: LONG }).await;
        let told = told(address, UNFINISHED).await;
        assert!(told.starts_with("HTTP/1.1 400"), "{told}");
    }

    #[tokio::test]
    async fn stopping_does_not_wait_for_a_body_that_does_not_come() {
        let (address, stop, serving) = reader(Patience { head: LONG, body: LONG, end: SHORT }).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(UNFINISHED).await.unwrap();
        tokio::time::sleep(SHORT).await;
        stop.send_replace(true);
        timeout(Duration::from_secs(20), serving).await.expect("an end").unwrap();
    }

    #[tokio::test]
    async fn a_connection_beyond_the_number_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = watch::Sender::new(false);
        let refusal = Bytes::from_static(REFUSAL);
        let door = Door { listener, stop: Stop::of(&stop), patience: SHORT, connections_max: 1, refusal };
        tokio::spawn(door.serve(|stream, _| async move {
            let _held = stream;
            std::future::pending::<()>().await;
        }));
        let _first = TcpStream::connect(address).await.unwrap();
        assert_eq!(told(address, b"").await.as_bytes(), REFUSAL);
    }

    #[test]
    fn doubled_slashes_are_one() {
        for (before, after) in [("/a//b?c=//d", "/a/b?c=//d"), ("//a", "/a"), ("/a///", "/a/")] {
            let uri = Uri::builder().path_and_query(before).build().unwrap();
            assert_eq!(without_doubled_slashes(&uri).unwrap().to_string(), after);
        }
    }
}
