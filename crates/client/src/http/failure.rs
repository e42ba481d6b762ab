//! Telling connection failures apart.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use crate::service::Failure;
use crate::{ConnectFailure, Error, Phase};

/// What was being sent, for the text of the error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) host: &'a str,
    pub(crate) method: &'static str,
    pub(crate) path: &'a str,
    pub(crate) timeout: Duration,
    /// Host and port of the proxy, if the request goes through one.
    pub(crate) proxy: Option<&'a str>,
}

/// Sorts the library's error by the step that failed.
pub(crate) fn classify(source: reqwest::Error, subject: Subject<'_>) -> Failure {
    if source.is_timeout() {
        let phase = if source.is_connect() { Phase::Connecting } else { Phase::Reading };
        let error = Error::Timeout {
            method: subject.method.to_owned(),
            path: subject.path.to_owned(),
            phase,
            after: subject.timeout,
        };
        return Failure { error, unsent: phase == Phase::Connecting, transient: phase == Phase::Connecting };
    }
    let unsent = source.is_connect();
    let (failure, host) = match (step(&source), subject.proxy) {
        // Behind a proxy only its own name is resolved, and only its own port is knocked at.
        (ConnectFailure::Dns, Some(proxy)) => (ConnectFailure::ProxyDns, proxy),
        (ConnectFailure::Refused, Some(proxy)) => (ConnectFailure::ProxyRefused, proxy),
        (failure, _) => (failure, subject.host),
    };
    // A name that does not resolve and a certificate that is not trusted stay so.
    let transient = !matches!(
        failure,
        ConnectFailure::Dns | ConnectFailure::Tls | ConnectFailure::Proxy | ConnectFailure::ProxyDns
    );
    // The address of the request may carry a cursor or an expression, and is named by the error itself.
    let source = source.without_url().into();
    Failure { error: Error::Connect { host: host.to_owned(), failure, source }, unsent, transient }
}

fn step(error: &reqwest::Error) -> ConnectFailure {
    if error.is_dns() {
        return ConnectFailure::Dns;
    }
    if !error.is_connect() {
        return ConnectFailure::Interrupted;
    }
    let chain: Vec<&(dyn StdError + 'static)> =
        std::iter::successors(error.source(), |error| (*error).source()).collect();
    let mut io_errors = chain.iter().filter_map(|error| error.downcast_ref::<io::Error>());
    if io_errors.any(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
        return ConnectFailure::Refused;
    }
    // rustls and the tunnel report through io::Error of kind Other, so only their words are left.
    let words: String = chain.iter().map(|error| error.to_string().to_ascii_lowercase() + "\n").collect();
    if words.contains("dns error") || words.contains("failed to lookup") {
        ConnectFailure::Dns
    } else if ["alert", "certificate", "tls", "handshake", "invalidcontenttype", "corrupt message"]
        .iter()
        .any(|word| words.contains(word))
    {
        ConnectFailure::Tls
    } else if words.contains("tunnel") || words.contains("proxy") {
        ConnectFailure::Proxy
    } else {
        ConnectFailure::Other
    }
}
