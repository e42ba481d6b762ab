//! What strangers send and people type, fed to the readers of it: targets for fuzzing.
//!
//! Each target takes any bytes and must not panic; what it asserts besides must hold for all of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use futures::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue};
use oktant_base::{Clock, ManualClock, SeededEntropy, Timestamp};

use crate::config::{Loader, Surroundings};
use crate::http::limiter::Limiter;
use crate::http::retry;
use crate::http::skew::Skew;
use crate::{Cursor, Properties, pages};

/// A target by its name.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] =
    &[("links", links), ("rate_headers", rate_headers), ("keys", keys), ("configuration", configuration)];

/// Lines are `Link` headers, the whole a body with a link, and a cursor.
pub fn links(bytes: &[u8]) {
    let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| HeaderValue::from_bytes(line).ok());
    let headers: HeaderMap = lines.map(|line| (http::header::LINK, line)).collect();
    if let Ok(Some(target)) = pages::link::next_in_headers(&headers) {
        assert!(!target.contains('>'), "a target ends at the first >");
    }
    let _ = pages::link::next_in_body(bytes);
    let text = String::from_utf8_lossy(bytes);
    if let Ok(cursor) = text.parse::<Cursor>() {
        assert_eq!(cursor.to_string().parse::<Cursor>().ok(), Some(cursor), "a cursor survives being written down");
    }
}

/// Lines are headers of an answer, which is then waited for and paced by.
pub fn rate_headers(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) =
            (HeaderName::from_bytes(&line[..colon]), HeaderValue::from_bytes(line[colon + 1..].trim_ascii()));
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    let now = Timestamp::from_timestamp(1_767_268_800, 0).unwrap_or_default();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(now));
    let skew = Arc::new(Skew::default());
    skew.learn(&headers, now);
    let server_now = skew.server_time(now);
    let entropy = SeededEntropy::new(1);
    for (status, repeat) in [(429, 0), (429, 99), (503, 0), (503, u32::MAX)] {
        let wait = retry::cause(status, &headers, true)
            .map(|cause| retry::wait(cause, &headers, repeat, server_now, &entropy));
        assert!(wait.is_none_or(|wait| {
            now.checked_add_signed(chrono::TimeDelta::from_std(wait).unwrap_or_default()).is_some()
        }));
    }
    let Ok(properties) = Properties::parse("Domain=acme.okta.com;APIToken=t") else { return };
    let limiter = Limiter::new(&properties.network, clock, skew);
    for bucket in ["one", "two", "one"] {
        if let Some(Ok(ticket)) = limiter.acquire(bucket, None).now_or_never() {
            ticket.answered(bucket, &headers);
        }
    }
}

/// The text of a private key, and after an empty line the id of one.
pub fn keys(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (key, id) = text.split_once("\n\n").map_or((&*text, None), |(key, id)| (key, Some(id)));
    let _ = crate::auth::check_key(key, id);
}

/// A file, variables as `NAME=value` lines, values in code, and a connection string.
pub fn configuration(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let files = BTreeMap::from([(PathBuf::from("/p/okta.yaml"), bytes.to_vec())]);
    let variables = text.lines().filter_map(|line| line.split_once('='));
    let variables = variables.map(|(name, value)| (name.trim().to_owned(), value.to_owned())).collect();
    let around = Surroundings {
        variables: Arc::new(variables),
        home: None,
        directory: PathBuf::from("/p"),
        files: Arc::new(files),
    };
    let loader = Loader::new(around).values(serde_json::from_str(&text).unwrap_or_default());
    match loader.load() {
        Ok(config) => assert!(config.properties.org.has_host()),
        Err(error) => assert!(!error.problems.is_empty() && !error.to_string().is_empty()),
    }
    let _ = Properties::parse(&text);
}
