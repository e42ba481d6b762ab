//! The machine's network: connections, TLS and proxies.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use oktant_base::{codes, limits};
use url::Url;

use super::failure::{Subject, classify};
use crate::Error;
use crate::properties::{self, ClientCertificate, Network, Proxy, TlsVersion, is_loopback};
use crate::service::{Failure, HttpService, Request, Response};

/// Stands for "no bound" where the library wants a figure.
const FOREVER: Duration = Duration::from_hours(7 * 24);

/// Sends requests over the machine's network.
#[derive(Debug)]
pub(super) struct SystemService {
    client: reqwest::Client,
    connect_timeout: Duration,
    /// Host and port of the proxy that every request goes through.
    proxy: Option<String>,
}

impl SystemService {
    pub(super) fn new(base: &Url, network: &Network, variables: &BTreeMap<String, String>) -> Result<Self, Error> {
        let connect_timeout = network.connect_timeout.unwrap_or(FOREVER);
        let mut builder = reqwest::Client::builder()
            // A redirect could carry the credentials to another host, and the API has none.
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            // Repeats are decided in one place, which also books them.
            .retry(reqwest::retry::never())
            .connect_timeout(connect_timeout)
            .tcp_nodelay(true)
            // Which proxy to use is decided here; the library would read the environment itself.
            .no_proxy()
            .tls_version_min(match network.tls_min {
                TlsVersion::V1_2 => reqwest::tls::Version::TLS_1_2,
                TlsVersion::V1_3 => reqwest::tls::Version::TLS_1_3,
            });
        let proxy = proxy(base, network, variables)?;
        let proxy_name = proxy.as_ref().and_then(|chosen| chosen.name(base));
        if let Some(Chosen { proxy, .. }) = proxy {
            builder = builder.proxy(proxy);
        }
        if let Some(authority) = &network.trusted_ca {
            builder = builder.tls_certs_merge(authorities(authority)?);
        }
        if network.trust_any {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        if let Some(ClientCertificate { certificate, key }) = &network.client_certificate {
            let mut pem = pem("SSLClientCert", certificate)?;
            pem.push(b'\n');
            pem.extend(self::pem("SSLClientKey", key.expose())?);
            builder = builder.identity(reqwest::Identity::from_pem(&pem).map_err(bad_key("SSLClientCert"))?);
        }
        let client = builder.build().map_err(|source| {
            let timeout = connect_timeout;
            let subject = Subject { host: base.authority(), method: "GET", path: "/", timeout, proxy: None };
            classify(source, subject).error
        })?;
        Ok(Self { client, connect_timeout, proxy: proxy_name })
    }
}

#[async_trait]
impl HttpService for SystemService {
    async fn send(&self, request: Request) -> Result<Response, Failure> {
        let Request { method, url, headers, body, time_allowed } = request;
        let timeout = time_allowed.unwrap_or(FOREVER);
        let host = url.authority().to_owned();
        let path = url.path().to_owned();
        let connect_timeout = timeout.min(self.connect_timeout);
        let proxy = self.proxy.as_deref();
        let subject = Subject { host: &host, method, path: &path, timeout: connect_timeout, proxy };
        let verb = http::Method::from_bytes(method.as_bytes()).expect("the catalogue's methods are valid");
        let mut builder = self.client.request(verb, url).headers(headers).timeout(timeout);
        builder = match body {
            Some(body) => builder.body(body),
            // Okta answers 411 to a POST or PUT without a length, and the library sends none by itself.
            None if method != "GET" => builder.header(CONTENT_LENGTH, 0),
            None => builder,
        };
        let mut response = builder.send().await.map_err(|error| {
            let connecting = error.is_connect();
            classify(error, if connecting { subject } else { Subject { timeout, ..subject } })
        })?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let body = read(response, Subject { timeout, ..subject }).await?;
        Ok(Response { status, headers, body })
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

/// A proxy, for the library and for messages.
struct Chosen {
    proxy: reqwest::Proxy,
    address: Option<Url>,
    exceptions: String,
}

impl Chosen {
    /// Host and port of the proxy, if it is sure that requests to `base` go through it: whether an exception
    /// matches is the library's decision, so that anything like a match leaves the name out.
    fn name(&self, base: &Url) -> Option<String> {
        let host = base.host_str()?;
        let may_match = |exception: &str| {
            let domain = exception.trim_start_matches(['*', '.']);
            // A range of addresses is not compared here.
            host.ends_with(domain) || host.parse::<IpAddr>().is_ok() || host.starts_with('[')
        };
        let mut exceptions = self.exceptions.split(',').map(str::trim).filter(|exception| !exception.is_empty());
        if exceptions.any(may_match) {
            return None;
        }
        let address = self.address.as_ref()?;
        let port = address.port().map_or_else(String::new, |port| format!(":{port}"));
        Some(format!("{}{port}", address.host_str()?))
    }
}

fn proxy(base: &Url, network: &Network, variables: &BTreeMap<String, String>) -> Result<Option<Chosen>, Error> {
    match &network.proxy {
        Proxy::Direct => Ok(None),
        Proxy::Environment => environment_proxy(base, variables),
        Proxy::Server { url, credentials, exceptions } => {
            let proxy = reqwest::Proxy::all(url.clone()).map_err(bad_key("ProxyServer"))?;
            let proxy = match credentials {
                Some((user, password)) => proxy.basic_auth(user, password.expose()),
                None => proxy,
            };
            let exceptions = exceptions.join(",");
            let proxy = proxy.no_proxy(reqwest::NoProxy::from_string(&exceptions));
            Ok(Some(Chosen { proxy, address: Some(url.clone()), exceptions }))
        }
    }
}

/// The proxy that the environment names for the org, in lower or upper case; the lower case wins.
///
/// # Source
///
/// curl's manual, "Environment"; that a loopback address is reached directly is what Go's
/// `net/http` does.
fn environment_proxy(base: &Url, variables: &BTreeMap<String, String>) -> Result<Option<Chosen>, Error> {
    let find = |name: &str| {
        let names = [name.to_owned(), name.to_ascii_uppercase()];
        names.into_iter().find_map(|name| Some((variables.get(&name).filter(|value| !value.is_empty())?, name)))
    };
    // In a CGI program the client sets HTTP_PROXY, by a header.
    let in_cgi = variables.contains_key("REQUEST_METHOD");
    let own = match base.scheme() {
        "http" => find("http_proxy").filter(|(_, name)| !in_cgi || name == "http_proxy"),
        _ => find("https_proxy"),
    };
    let Some((address, name)) = own.or_else(|| find("all_proxy")).filter(|_| !is_loopback(base)) else {
        return Ok(None);
    };
    let address = if address.contains("://") { address.clone() } else { format!("http://{address}") };
    let proxy = reqwest::Proxy::all(&address).map_err(|_| {
        // The address may hold a password, and is not repeated.
        let message = format!("variable {name} is not the address of a proxy");
        properties::Error::of("ProxyAutoDetect", codes::OKT1002, &message, "write http://host:port")
    })?;
    let exceptions = find("no_proxy").map(|(exceptions, _)| exceptions.clone()).unwrap_or_default();
    let proxy = proxy.no_proxy(reqwest::NoProxy::from_string(&exceptions));
    Ok(Some(Chosen { proxy, address: Url::parse(&address).ok(), exceptions }))
}

/// Certificates from PEM text or from a file.
fn authorities(text_or_path: &str) -> Result<Vec<reqwest::Certificate>, Error> {
    let pem = pem("SSLServerCert", text_or_path)?;
    let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(bad_key("SSLServerCert"))?;
    if certificates.is_empty() {
        return Err(Error::Key { property: "SSLServerCert", reason: "it holds no certificate".to_owned() });
    }
    Ok(certificates)
}

/// PEM text, or what the file of this path holds.
fn pem(property: &'static str, text_or_path: &str) -> Result<Vec<u8>, Error> {
    if text_or_path.contains("-----BEGIN") {
        return Ok(text_or_path.as_bytes().to_vec());
    }
    read_file(property, Path::new(text_or_path))
}

/// The file that a property names by its path.
///
/// A key that was to be given as text, but without the lines around it, is taken for a path; so
/// only what ends like a file is repeated.
pub(crate) fn read_file(property: &'static str, path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|error| {
        let text = path.to_string_lossy();
        let is_path = text.len() <= PATH_BYTES_MAX
            && path.extension().is_some_and(|extension| extension.len() <= EXTENSION_BYTES_MAX)
            && !text.contains(char::is_whitespace);
        let shown = if is_path { &*text } else { "the file" };
        Error::KeyFile { property, reason: format!("{shown} cannot be read: {error}") }
    })
}

/// The longest path that a message repeats.
const PATH_BYTES_MAX: usize = 255;

/// Names of kinds of files are short: pem, jwk, json.
const EXTENSION_BYTES_MAX: usize = 4;

fn bad_key(property: &'static str) -> impl Fn(reqwest::Error) -> Error {
    move |error| Error::Key { property, reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(base: &str, variables: &[(&str, &str)]) -> Option<Chosen> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        environment_proxy(&Url::parse(base).unwrap(), &variables).unwrap()
    }

    #[test]
    fn a_proxy_is_named_only_where_it_is_surely_used() {
        let org = Url::parse("https://acme.okta.com").unwrap();
        for (exceptions, name) in [
            ("", Some("proxy.test:3128")),
            ("localhost, .internal", Some("proxy.test:3128")),
            (".okta.com", None),
            ("acme.okta.com", None),
            ("*", None),
        ] {
            let variables = [("https_proxy", "http://user:s3cret@proxy.test:3128"), ("no_proxy", exceptions)];
            assert_eq!(chosen(org.as_str(), &variables).unwrap().name(&org).as_deref(), name, "{exceptions}");
        }
    }

    #[test]
    fn the_environment_names_the_proxy() {
        let https = "https://acme.okta.com";
        assert!(chosen(https, &[("HTTPS_PROXY", "http://p:8080")]).is_some());
        assert!(chosen(https, &[("https_proxy", "p:8080")]).is_some());
        assert!(chosen(https, &[("ALL_PROXY", "socks5://p")]).is_some());
        assert!(chosen(https, &[("HTTP_PROXY", "p")]).is_none());
        assert!(chosen(https, &[]).is_none());
        assert!(chosen("http://org.test", &[("HTTP_PROXY", "p")]).is_some());
        assert!(chosen("http://org.test", &[("HTTP_PROXY", "p"), ("REQUEST_METHOD", "GET")]).is_none());
        assert!(chosen("http://127.0.0.1:80", &[("http_proxy", "p"), ("all_proxy", "p")]).is_none());
        let variables = BTreeMap::from([("https_proxy".to_owned(), "http://user:s3cret@[".to_owned())]);
        let error = environment_proxy(&Url::parse(https).unwrap(), &variables).err().unwrap().to_string();
        assert_eq!(error, "variable https_proxy is not the address of a proxy");
    }
}
