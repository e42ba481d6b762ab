//! One connection to a server: one request after the other, opened again where the server closes it.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::response::Parts;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::Url;

use crate::Failure;

/// Where the requests go.
pub(crate) struct Server {
    pub(crate) base: Url,
    /// The value of the header.
    pub(crate) authorization: String,
}

/// What one request asks.
pub(crate) struct Ask {
    pub(crate) method: Method,
    /// Below the base URL, with the query.
    pub(crate) path: String,
    pub(crate) body: Bytes,
}

impl Ask {
    pub(crate) fn get(path: String) -> Self {
        Self { method: Method::GET, path, body: Bytes::new() }
    }

    pub(crate) fn with_body(method: Method, path: String, body: &serde_json::Value) -> Self {
        Self { method, path, body: body.to_string().into() }
    }
}

/// A connection, as long as the server keeps it.
pub(crate) struct Connection<'a> {
    server: &'a Server,
    open: Option<SendRequest<Full<Bytes>>>,
}

impl<'a> Connection<'a> {
    pub(crate) fn new(server: &'a Server) -> Self {
        Self { server, open: None }
    }

    /// Sends a request and reads its whole answer.
    pub(crate) async fn send(&mut self, ask: &Ask) -> Result<(StatusCode, Bytes), Failure> {
        let (head, body) = self.exchange(ask).await?;
        Ok((head.status, body))
    }

    /// The same with the answer's headers.
    pub(crate) async fn exchange(&mut self, ask: &Ask) -> Result<(Parts, Bytes), Failure> {
        let mut sender = match self.open.take().filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        // Between two requests the server may have closed it after all.
        if sender.ready().await.is_err() {
            sender = self.connect().await?;
        }
        let base = &self.server.base;
        let request = Request::builder()
            .method(ask.method.clone())
            .uri(format!("{}{}", base.path().trim_end_matches('/'), ask.path))
            .header(HOST, base.authority())
            .header(AUTHORIZATION, &self.server.authorization)
            .header(CONTENT_TYPE, "application/scim+json")
            .body(Full::new(ask.body.clone()))?;
        let answer = sender.send_request(request).await?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await?.to_bytes();
        self.open = Some(sender);
        Ok((head, body))
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Failure> {
        let base = &self.server.base;
        let address = (base.host_str().unwrap_or_default(), base.port_or_known_default().unwrap_or_default());
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Its errors come out of the requests.
        tokio::spawn(connection);
        Ok(sender)
    }
}
