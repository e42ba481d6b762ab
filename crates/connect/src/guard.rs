//! The egress guard: where a flow may connect to.
//!
//! A flow decides by its data which address a request goes to, so that whoever writes into that
//! data could read what only this machine reaches: a metadata service, a database, a neighbour's
//! console. [`Guard`] therefore refuses everything that is not a public address. Names are resolved
//! once, by [`Resolver`], and the connection goes to the addresses that were checked; a redirect is
//! a new request and checked again (`crate::http`).
//!
//! # Source
//!
//! IANA special-purpose registries for IPv4 and IPv6; RFC 6598 (shared address space), RFC 6052 and
//! RFC 8215 (NAT64), RFC 3056 (6to4), RFC 4380 (Teredo), RFC 5214 (ISATAP). The metadata addresses
//! are those that the clouds document.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use ipnet::{Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::Error;

/// Why an address is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{target} is refused: {reason}")]
pub struct Refusal {
    /// Host, with its port where known, or the whole address where it has no host.
    pub target: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// What is allowed although it is not public: a host, with one port or any.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Exception {
    host: String,
    port: Option<u16>,
}

/// Decides where requests may go. Clones share nothing that changes.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    exceptions: Vec<Exception>,
}

impl Guard {
    /// Public addresses only.
    pub fn strict() -> Self {
        Self::default()
    }

    /// Public addresses, and what `rules` name: `host:port` or `host` (any port), separated by commas or blanks.
    /// IPv6 addresses stand in brackets.
    ///
    /// # Errors
    ///
    /// The rule that is neither.
    pub fn allowing(rules: &str) -> Result<Self, String> {
        let words = rules.split([',', ' ']).filter(|word| !word.is_empty());
        Ok(Self { exceptions: words.map(Exception::parse).collect::<Result<_, _>>()? })
    }

    /// Whether host and port are named as an exception.
    pub fn excepts(&self, url: &Url) -> bool {
        let host = url.host_str().map(normal_host).unwrap_or_default();
        self.excepts_host(&host, url.port_or_known_default())
    }

    fn excepts_host(&self, host: &str, port: Option<u16>) -> bool {
        self.exceptions.iter().any(|known| known.host == host && (known.port.is_none() || known.port == port))
    }

    /// Checks what can be told from an address alone: its scheme, literal addresses, and names that never are public.
    ///
    /// # Errors
    ///
    /// [`Refusal`] with the reason.
    pub fn check_url(&self, url: &Url) -> Result<(), Refusal> {
        let target = || url.host_str().map_or_else(|| url.scheme().to_owned(), |host| host_and_port(host, url.port()));
        let refuse = |reason| Err(Refusal { target: target(), reason });
        if !matches!(url.scheme(), "http" | "https") {
            return refuse("only http and https are spoken");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("credentials do not belong into an address; a connection holds them");
        }
        if self.excepts(url) {
            return Ok(());
        }
        let verdict = match url.host() {
            None => Err("it names no host"),
            Some(Host::Ipv4(address)) => check_v4(address),
            Some(Host::Ipv6(address)) => check_v6(address),
            Some(Host::Domain(name)) => check_name(name),
        };
        verdict.or_else(refuse)
    }

    /// Checks a host to connect to that is not part of a URL, such as a mail server, and finds its addresses.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] if the host or one of its addresses is not public; [`Error::Unreachable`] if its name does
    /// not resolve, which may pass.
    pub async fn addresses(&self, host: &str, port: u16, lookup: &dyn Lookup) -> Result<Vec<IpAddr>, Error> {
        let refuse = |reason| Refusal { target: host_and_port(host, Some(port)), reason };
        let plain = normal_host(host);
        let excepted = self.excepts_host(&plain, Some(port));
        let literal = plain.trim_matches(['[', ']']).parse::<IpAddr>().ok();
        if !excepted && literal.is_none() {
            check_name(&plain).map_err(refuse)?;
        }
        let addresses = match literal {
            Some(address) => vec![address],
            None => lookup.lookup(&plain).await.unwrap_or_default(),
        };
        if addresses.is_empty() {
            let reason = "its name does not resolve".to_owned();
            return Err(Error::Unreachable { host: host_and_port(host, Some(port)), reason, unsent: true });
        }
        match addresses.iter().find_map(|address| check_address(*address).err()).filter(|_| !excepted) {
            Some(reason) => Err(refuse(reason).into()),
            None => Ok(addresses),
        }
    }
}

impl Exception {
    fn parse(word: &str) -> Result<Self, String> {
        let wrong = || format!("\"{word}\" is neither host:port nor host");
        let (host, port) = match word.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port.parse().map_err(|_| wrong())?)),
            _ => (word, None),
        };
        // The form that an address has once a URL was read, whatever form it was written in.
        let url = Url::parse(&format!("http://{host}/")).map_err(|_| wrong())?;
        let host = url.host_str().filter(|_| url.path() == "/" && url.username().is_empty()).ok_or_else(wrong)?;
        Ok(Self { host: normal_host(host), port })
    }
}

/// Lower case and without the dot of the root.
fn normal_host(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

fn host_and_port(host: &str, port: Option<u16>) -> String {
    port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Names of this machine, of the local network, and of metadata services.
fn check_name(name: &str) -> Result<(), &'static str> {
    const SUFFIXES: &[&str] =
        &["localhost", "localdomain", "local", "internal", "intranet", "lan", "home.arpa", "corp"];
    const METADATA: &[&str] = &["metadata", "instance-data", "metadata.goog"];
    let name = normal_host(name);
    let ends = |suffix: &&str| name == **suffix || name.strip_suffix(*suffix).is_some_and(|rest| rest.ends_with('.'));
    if name.is_empty() {
        return Err("it names no host");
    }
    if SUFFIXES.iter().any(ends) || METADATA.contains(&name.as_str()) {
        return Err("the name is one of the local network");
    }
    if !name.contains('.') {
        return Err("a name without a dot is one of the local network");
    }
    // Forms of an IPv4 address that some resolvers understand and the URL standard leaves alone.
    if name.split('.').all(|part| part.starts_with("0x") || part.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err("it is an address in an unusual form");
    }
    Ok(())
}

/// Whether an address is a public one.
///
/// # Errors
///
/// What kind of address it is instead.
pub fn check_address(address: IpAddr) -> Result<(), &'static str> {
    match address {
        IpAddr::V4(address) => check_v4(address),
        IpAddr::V6(address) => check_v6(address),
    }
}

macro_rules! net {
    ($kind:ident $([$($part:literal),+] / $length:literal $reason:literal)*) => {
        &[$(($kind::new_assert(net!(@$kind $($part),+), $length), $reason)),*]
    };
    (@Ipv4Net $($part:literal),+) => { Ipv4Addr::new($($part),+) };
    (@Ipv6Net $($part:literal),+) => { Ipv6Addr::new($($part),+) };
}

const CLOSED_V4: &[(Ipv4Net, &str)] = net![Ipv4Net
    [0, 0, 0, 0] / 8 "it means this machine"
    [10, 0, 0, 0] / 8 "it is a private address"
    [100, 64, 0, 0] / 10 "it is an address of the provider's own network"
    [127, 0, 0, 0] / 8 "it is a loopback address"
    [168, 63, 129, 16] / 32 "it is the address of a cloud's own service"
    [169, 254, 0, 0] / 16 "it is a link-local address, as metadata services have"
    [172, 16, 0, 0] / 12 "it is a private address"
    [192, 0, 0, 0] / 24 "it is reserved for protocols"
    [192, 0, 2, 0] / 24 "it is reserved for documentation"
    [192, 88, 99, 0] / 24 "it is a relay between IPv6 and IPv4"
    [192, 168, 0, 0] / 16 "it is a private address"
    [198, 18, 0, 0] / 15 "it is reserved for measurements"
    [198, 51, 100, 0] / 24 "it is reserved for documentation"
    [203, 0, 113, 0] / 24 "it is reserved for documentation"
    [224, 0, 0, 0] / 4 "it is a multicast address"
    [240, 0, 0, 0] / 4 "it is reserved or the broadcast address"
];

const CLOSED_V6: &[(Ipv6Net, &str)] = net![Ipv6Net
    [0x2001, 0, 0, 0, 0, 0, 0, 0] / 23 "it is reserved for protocols"
    [0x2001, 0xdb8, 0, 0, 0, 0, 0, 0] / 32 "it is reserved for documentation"
    [0x3fff, 0, 0, 0, 0, 0, 0, 0] / 20 "it is reserved for documentation"
    [0xfc00, 0, 0, 0, 0, 0, 0, 0] / 7 "it is a private address"
    [0xfe80, 0, 0, 0, 0, 0, 0, 0] / 10 "it is a link-local address"
    [0xfec0, 0, 0, 0, 0, 0, 0, 0] / 10 "it is a private address"
    [0xff00, 0, 0, 0, 0, 0, 0, 0] / 8 "it is a multicast address"
];

/// Everything that the registries hand out as global unicast.
const GLOBAL_V6: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

fn check_v4(address: Ipv4Addr) -> Result<(), &'static str> {
    let closed = CLOSED_V4.iter().find(|(net, _)| net.contains(&address));
    closed.map_or(Ok(()), |(_, reason)| Err(*reason))
}

fn check_v6(address: Ipv6Addr) -> Result<(), &'static str> {
    if address.is_loopback() || address.is_unspecified() {
        return Err("it means this machine");
    }
    let closed = CLOSED_V6.iter().find(|(net, _)| net.contains(&address));
    if let Some((_, reason)) = closed {
        return Err(reason);
    }
    // Whether the IPv4 address inside is public does not matter: nobody who means it writes it this way.
    if !GLOBAL_V6.contains(&address) {
        return Err("it is no global address, or an IPv4 address in disguise");
    }
    let parts = address.segments();
    let is_isatap = parts[5] == 0x5efe && matches!(parts[4], 0 | 0x200);
    if parts[0] == 0x2002 || is_isatap {
        return Err("it is an IPv4 address in disguise");
    }
    Ok(())
}

/// Finds the addresses of a name.
#[async_trait]
pub trait Lookup: Send + Sync + fmt::Debug {
    /// Every address of `host`, in order of preference.
    async fn lookup(&self, host: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// The machine's own resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// Resolves names for the HTTP library, once per connection, and hands out public addresses only:
/// the library connects to what it is given, so that a later change of the name changes nothing.
#[derive(Debug, Clone)]
pub(crate) struct Resolver {
    lookup: Arc<dyn Lookup>,
    /// Whether addresses that are not public are handed out: for hosts that the guard excepts.
    open: bool,
}

impl Resolver {
    pub(crate) fn new(lookup: Arc<dyn Lookup>, open: bool) -> Self {
        Self { lookup, open }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { lookup, open } = self.clone();
        Box::pin(async move {
            let host = name.as_str();
            let addresses = lookup.lookup(host).await?;
            // One bad address condemns the name: nobody's public name has a private one by accident.
            if let Some(reason) = addresses.iter().find_map(|address| check_address(*address).err()).filter(|_| !open) {
                return Err(Refusal { target: host.to_owned(), reason }.into());
            }
            let addresses = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

impl FromStr for Guard {
    type Err = String;

    fn from_str(rules: &str) -> Result<Self, String> {
        Self::allowing(rules)
    }
}
