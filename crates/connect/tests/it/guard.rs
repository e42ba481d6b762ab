//! Every address that a flow must not reach, in every form that it can be written in.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::http::HeaderMap;
use axum::response::Redirect;
use axum::routing::{any, get};
use oktant_connect::Error;
use oktant_connect::guard::{Guard, Lookup};
use oktant_connect::http::{Http, Request};
use parking_lot::Mutex;
use url::Url;

/// Literals and names that are refused without a look-up.
const REFUSED: &str = include_str!("guard_refused.txt");

const ALLOWED: &[&str] = &[
    "http://1.1.1.1/",
    "http://8.8.8.8:8080/x",
    "http://9.255.255.255/",
    "http://11.0.0.1/",
    "http://100.63.255.255/",
    "http://100.128.0.1/",
    "http://126.255.255.255/",
    "http://128.0.0.1/",
    "http://169.253.255.255/",
    "http://169.255.0.1/",
    "http://172.15.255.255/",
    "http://172.32.0.1/",
    "http://192.167.255.255/",
    "http://192.169.0.1/",
    "http://198.17.255.255/",
    "http://198.20.0.1/",
    "http://223.255.255.255/",
    "https://[2606:4700:4700::1111]/",
    "https://[2a00:1450:4001:81b::200e]/",
    "https://login.salesforce.com/",
    "https://acme.okta.com/api/v1/users",
    "https://localhost.example.com/",
    "https://internal.example.org/",
    "https://10.example.com/",
    "https://xn--bcher-kva.example/",
];

fn vectors() -> impl Iterator<Item = &'static str> {
    REFUSED.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("# "))
}

#[test]
fn every_vector_is_refused() {
    let guard = Guard::strict();
    let mut count = 0;
    for vector in vectors() {
        count += 1;
        // What cannot be read as a URL cannot be requested.
        if let Ok(url) = Url::parse(vector) {
            assert!(guard.check_url(&url).is_err(), "{vector} was let through as {url}");
        }
    }
    assert!(count >= 140, "{count} vectors");
    let readable = vectors().filter(|vector| Url::parse(vector).is_ok()).count();
    assert!(readable >= 120, "{readable} vectors reach the guard");
}

#[test]
fn public_addresses_pass() {
    let guard = Guard::strict();
    for vector in ALLOWED {
        assert_eq!(guard.check_url(&Url::parse(vector).unwrap()), Ok(()), "{vector}");
    }
}

#[test]
fn exceptions_name_host_and_port() {
    let guard = Guard::allowing("127.0.0.1:8080, [::1]:9, printer.lan").unwrap();
    let passes = |url: &str| guard.check_url(&Url::parse(url).unwrap()).is_ok();
    assert!(passes("http://127.0.0.1:8080/") && passes("http://0x7f.1:8080/") && passes("http://[::1]:9/"));
    assert!(passes("http://printer.lan/") && passes("https://PRINTER.lan.:8443/"));
    assert!(!passes("http://127.0.0.1:8081/") && !passes("http://[::1]/") && !passes("http://x.printer.lan/"));
    assert!(!passes("http://user:secret@127.0.0.1:8080/") && !passes("ftp://printer.lan/"));
    for wrong in ["a b:99999", "host:port", "http://host", "user@host", "host/path"] {
        assert!(Guard::allowing(wrong).is_err(), "{wrong}");
    }
}

/// Names with addresses that change from one look-up to the next.
#[derive(Debug, Default)]
struct Names(Mutex<BTreeMap<String, Vec<Vec<IpAddr>>>>);

impl Names {
    fn of(names: &[(&str, &[&[&str]])]) -> Arc<Self> {
        let parse = |addresses: &&[&str]| addresses.iter().map(|address| address.parse().unwrap()).collect();
        let entry = |(name, rounds): &(&str, &[&[&str]])| ((*name).to_owned(), rounds.iter().map(parse).collect());
        Arc::new(Self(Mutex::new(names.iter().map(entry).collect())))
    }
}

#[async_trait]
impl Lookup for Names {
    async fn lookup(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        let mut names = self.0.lock();
        let rounds = names.get_mut(host).ok_or_else(|| std::io::Error::other("no such name"))?;
        Ok(if rounds.len() > 1 { rounds.remove(0) } else { rounds[0].clone() })
    }
}

fn request(url: &str) -> Request {
    Request::new(axum::http::Method::GET, Url::parse(url).unwrap(), Duration::from_secs(5))
}

#[tokio::test]
async fn names_of_private_addresses_are_refused() {
    let names: Vec<String> = [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "192.168.0.1",
        "100.100.100.200",
        "0.0.0.0",
        "::1",
        "fe80::1",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "224.0.0.1",
    ]
    .iter()
    .map(ToString::to_string)
    .collect();
    for address in &names {
        let mixed: &[&[&str]] = &[&["93.184.216.34", address]];
        let alone: &[&[&str]] = &[&[address]];
        let lookup = Names::of(&[("alone.example.com", alone), ("mixed.example.com", mixed)]);
        let http = Http::new(Guard::strict(), lookup.clone()).unwrap();
        for host in ["alone.example.com", "mixed.example.com"] {
            let error = http.send(request(&format!("http://{host}/"))).await.unwrap_err();
            assert!(matches!(error, Error::Refused(_)), "{host} with {address}: {error}");
            assert!(http.guard().addresses(host, 25, http.lookup()).await.is_err(), "{host} with {address}");
        }
    }
}

/// A server on this machine, and where it listens.
async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

#[tokio::test]
async fn redirects_are_checked_like_requests() {
    let inside = serve(Router::new().route("/", get(|| async { "the inside" }))).await;
    for target in [
        format!("http://{inside}/"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        let front = serve(Router::new().route("/", get(move || async move { Redirect::temporary(&target) }))).await;
        let http = Http::new(Guard::allowing(&front).unwrap(), Names::of(&[])).unwrap();
        let error = http.send(request(&format!("http://{front}/"))).await.unwrap_err();
        assert!(matches!(error, Error::Refused(_)), "{error}");
    }
    let round = serve(Router::new().route("/", get(|| async { Redirect::temporary("/") }))).await;
    let http = Http::new(Guard::allowing(&round).unwrap(), Names::of(&[])).unwrap();
    assert!(matches!(http.send(request(&format!("http://{round}/"))).await, Err(Error::Unreadable { .. })));
}

#[tokio::test]
async fn a_name_that_changes_its_address_gains_nothing() {
    let hits = Arc::new(Mutex::new(0));
    let counted = hits.clone();
    let inside = serve(Router::new().fallback(any(move || async move {
        *counted.lock() += 1;
        "the inside"
    })))
    .await;
    let port = inside.rsplit(':').next().unwrap();
    // Whoever checks the name first and connects to what it says then would arrive at the inside.
    let lookup = Names::of(&[("rebind.example.com", &[&["127.0.0.1"], &["93.184.216.34"], &["127.0.0.1"]])]);
    let http = Http::new(Guard::strict(), lookup).unwrap();
    let mut request = request(&format!("http://rebind.example.com:{port}/"));
    request.timeout = Duration::from_millis(300);
    for _ in 0..3 {
        assert!(http.send(request.clone()).await.is_err());
    }
    assert_eq!(*hits.lock(), 0);
}

#[tokio::test]
async fn credentials_stay_with_their_origin() {
    let echo =
        serve(Router::new().route(
            "/",
            get(|headers: HeaderMap| async move { format!("{:?}", headers.get("authorization").is_some()) }),
        ))
        .await;
    let target = format!("http://{echo}/");
    let front = serve(Router::new().route("/", get(move || async move { Redirect::temporary(&target) }))).await;
    let http = Http::new(Guard::allowing(&format!("{front},{echo}")).unwrap(), Names::of(&[])).unwrap();
    for (url, expected) in [(format!("http://{echo}/"), "true"), (format!("http://{front}/"), "false")] {
        let mut request = request(&url);
        request.credentials.insert("authorization", "Bearer secret".parse().unwrap());
        assert_eq!(http.send(request).await.unwrap().body, expected, "{url}");
    }
}
