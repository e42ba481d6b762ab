//! One HTTP stack for everything: the org's API and its token endpoint.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use oktant_base::{Clock, limits};
use url::Url;

mod failure;
pub(crate) mod limiter;
pub(crate) mod retry;
pub(crate) mod skew;

use self::failure::Subject;
pub(crate) use self::failure::{Failure, classify};
use self::skew::Skew;
use crate::ledger::Outcome;
use crate::properties::{Network, Proxy};
use crate::{EntryId, Error, Ledger, StatementId};

/// Time to open a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// Stands for "no bound" where the library wants a figure.
const FOREVER: Duration = Duration::from_hours(7 * 24);

const USER_AGENT: &str = concat!("oktant/", env!("CARGO_PKG_VERSION"), " rust/", env!("CARGO_PKG_RUST_VERSION"));

/// Query parameters whose values never reach ledger or logs.
const SECRET_PARAMETERS: &[&str] = &[
    "access_token",
    "activationToken",
    "client_assertion",
    "client_secret",
    "code",
    "password",
    "recoveryToken",
    "refresh_token",
    "sessionToken",
    "stateToken",
    "token",
];

/// Sends single requests to the org's host and nowhere else, and books them.
#[derive(Debug)]
pub(crate) struct Transport {
    client: reqwest::Client,
    base: Url,
    timeout: Option<Duration>,
    clock: Arc<dyn Clock>,
    skew: Arc<Skew>,
    ledger: Ledger,
}

/// One request, to be sent once.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) method: &'static str,
    pub(crate) url: &'a Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    pub(crate) statement: Option<StatementId>,
    pub(crate) bucket: &'a str,
    /// From 1.
    pub(crate) number: u32,
    /// What is left of the call's own time.
    pub(crate) time_left: Option<Duration>,
}

/// A whole answer of any status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) entry: EntryId,
}

impl Transport {
    pub(crate) fn new(
        base: Url,
        network: &Network,
        clock: Arc<dyn Clock>,
        skew: Arc<Skew>,
        ledger: Ledger,
    ) -> Result<Self, Error> {
        Ok(Self { client: client(&base, network)?, base, timeout: network.timeout, clock, skew, ledger })
    }

    /// Host and port of the org.
    pub(crate) fn host(&self) -> &str {
        self.base.authority()
    }

    /// The URL of a path of the org.
    pub(crate) fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        url
    }

    /// Sends one request and reads its answer whole.
    pub(crate) async fn send(&self, attempt: Attempt<'_>) -> Result<Answer, Failure> {
        self.check_host(attempt.url)?;
        let sent_at = self.clock.now();
        let result = self.exchange(&attempt).await;
        let (status, bytes) = match &result {
            Ok((status, _, body)) => (Some(*status), body.len() as u64),
            Err(_) => (None, 0),
        };
        let now = self.clock.now();
        let elapsed = (now - sent_at).to_std().unwrap_or(Duration::ZERO);
        tracing::debug!(
            method = attempt.method,
            path = attempt.url.path(),
            attempt = attempt.number,
            status,
            bytes,
            bucket = attempt.bucket,
            elapsed_ms = elapsed.as_millis() as u64,
            "request",
        );
        let entry = self.ledger.write(Outcome {
            statement: attempt.statement,
            method: attempt.method,
            path: attempt.url.path().to_owned(),
            query: shown_query(attempt.url),
            status,
            attempt: attempt.number,
            sent_at,
            elapsed,
            bytes,
            bucket: attempt.bucket.to_owned(),
        });
        let (status, headers, body) = result?;
        self.skew.learn(&headers, now);
        Ok(Answer { status, headers, body, entry })
    }

    fn check_host(&self, url: &Url) -> Result<(), Failure> {
        if url.origin() == self.base.origin() {
            return Ok(());
        }
        let mut shown = url.clone();
        shown.set_query(None);
        let error = Error::ForeignHost { url: shown.to_string(), org: self.host().to_owned() };
        Err(Failure { error, unsent: true, transient: false })
    }

    async fn exchange(&self, attempt: &Attempt<'_>) -> Result<(u16, HeaderMap, Bytes), Failure> {
        let timeout = self.timeout.unwrap_or(FOREVER).min(attempt.time_left.unwrap_or(FOREVER));
        let subject = Subject { host: self.host(), method: attempt.method, path: attempt.url.path(), timeout };
        let method = http::Method::from_bytes(attempt.method.as_bytes()).expect("the catalogue's methods are valid");
        let mut request =
            self.client.request(method, attempt.url.clone()).headers(attempt.headers.clone()).timeout(timeout);
        request = match &attempt.body {
            Some(body) => request.body(body.clone()),
            // Okta answers 411 to a POST or PUT without a length, and the library sends none by itself.
            None if attempt.method != "GET" => request.header(CONTENT_LENGTH, 0),
            None => request,
        };
        let mut response = request.send().await.map_err(|error| classify(error, subject))?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let body = read(response, subject).await?;
        Ok((status, headers, body))
    }
}

/// Reads a body up to [`limits::BODY_BYTES_MAX`].
async fn read(mut response: reqwest::Response, subject: Subject<'_>) -> Result<Bytes, Failure> {
    let expected = response.content_length().unwrap_or(0).min(limits::BODY_BYTES_MAX as u64);
    let mut body = BytesMut::with_capacity(expected as usize);
    while let Some(chunk) = response.chunk().await.map_err(|error| classify(error, subject))? {
        if body.len() + chunk.len() > limits::BODY_BYTES_MAX {
            let error = Error::Decode {
                method: subject.method.to_owned(),
                path: subject.path.to_owned(),
                reason: format!("it is larger than {} MiB", limits::BODY_BYTES_MAX / 1024 / 1024),
                request_id: None,
            };
            return Err(Failure { error, unsent: false, transient: false });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn client(base: &Url, network: &Network) -> Result<reqwest::Client, Error> {
    let mut builder = reqwest::Client::builder()
        .user_agent(format!("{USER_AGENT} {}/{}", std::env::consts::OS, std::env::consts::ARCH))
        // A redirect could carry the credentials to another host, and the API has none.
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        // Repeats are decided in one place, which also books them.
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true);
    builder = match proxy(network)? {
        ProxyChoice::Direct => builder.no_proxy(),
        ProxyChoice::Environment => builder,
        ProxyChoice::Server(proxy) => builder.no_proxy().proxy(*proxy),
    };
    if let Some(authority) = &network.trusted_ca {
        builder = builder.tls_certs_merge(authorities(authority)?);
    }
    if network.trust_any {
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    if let Some((certificate, key)) = &network.client_certificate {
        let mut pem = read_file("SSLClientCert", certificate)?;
        pem.extend_from_slice(&read_file("SSLClientKey", key)?);
        builder = builder.identity(reqwest::Identity::from_pem(&pem).map_err(bad_key("SSLClientCert"))?);
    }
    builder.build().map_err(|source| {
        let subject = Subject { host: base.authority(), method: "GET", path: "/", timeout: CONNECT_TIMEOUT };
        classify(source, subject).error
    })
}

enum ProxyChoice {
    Direct,
    Environment,
    Server(Box<reqwest::Proxy>),
}

fn proxy(network: &Network) -> Result<ProxyChoice, Error> {
    let (url, credentials, exceptions) = match &network.proxy {
        Proxy::Direct => return Ok(ProxyChoice::Direct),
        Proxy::Environment => return Ok(ProxyChoice::Environment),
        Proxy::Server { url, credentials, exceptions } => (url, credentials, exceptions),
    };
    let proxy = reqwest::Proxy::all(url.clone()).map_err(bad_key("ProxyServer"))?;
    let proxy = match credentials {
        Some((user, password)) => proxy.basic_auth(user, password.expose()),
        None => proxy,
    };
    let exceptions = reqwest::NoProxy::from_string(&exceptions.join(","));
    Ok(ProxyChoice::Server(Box::new(proxy.no_proxy(exceptions))))
}

/// Certificates from PEM text or from a file.
fn authorities(text_or_path: &str) -> Result<Vec<reqwest::Certificate>, Error> {
    let pem = if text_or_path.contains("-----BEGIN") {
        text_or_path.as_bytes().to_vec()
    } else {
        read_file("SSLServerCert", Path::new(text_or_path))?
    };
    reqwest::Certificate::from_pem_bundle(&pem).map_err(bad_key("SSLServerCert"))
}

pub(crate) fn read_file(property: &'static str, path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|error| Error::Key { property, reason: format!("{}: {error}", path.display()) })
}

fn bad_key(property: &'static str) -> impl Fn(reqwest::Error) -> Error {
    move |error| Error::Key { property, reason: error.to_string() }
}

/// The query of a URL with the values of secret parameters masked.
fn shown_query(url: &Url) -> String {
    let pairs = url.query().unwrap_or_default().split('&');
    let shown = pairs.map(|pair| match pair.split_once('=') {
        Some((name, _)) if SECRET_PARAMETERS.contains(&name) => format!("{name}=***"),
        _ => pair.to_owned(),
    });
    shown.collect::<Vec<_>>().join("&")
}

/// The org's id of an answer.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<String> {
    headers.get("x-okta-request-id")?.to_str().ok().map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_queries_are_masked() {
        let url = Url::parse("https://a/p?limit=5&token=abc&q=x").unwrap();
        assert_eq!(shown_query(&url), "limit=5&token=***&q=x");
        assert_eq!(shown_query(&Url::parse("https://a/p").unwrap()), "");
    }
}
